"""Workers side by side; doubled, late, lost messages; over the laptop's DynamoDB and S3 (I2, I3, I4, I11)."""

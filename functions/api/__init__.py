"""HTTP API: who asks, what they may see, and the status page. Bundled as the package `api` (CodeUri functions/)."""

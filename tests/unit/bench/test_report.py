"""Targets are told as they are."""

from tests.bench.report import TARGETS, Target, told_targets


def test_a_figure_on_its_limit_reaches_its_target() -> None:
    # given a limit upwards and one downwards / when figures lie on, above and below / then only the wrong side misses
    at_most, at_least = Target("a", 3), Target("b", 1, at_least=True)
    assert [at_most.is_met(figure) for figure in (2.9, 3, 3.1)] == [True, True, False]
    assert [at_least.is_met(figure) for figure in (0.9, 1, 1.1)] == [False, True, True]


def test_every_target_is_told_and_a_missing_figure_is_not_a_reached_one() -> None:
    # given one figure that reaches its target and one that misses it
    figures = {"nochange_wru": 3.0, "nochange_cpu_puts": 9.5}
    # when the targets are told
    told = list(told_targets(figures))
    # then each has its line
    assert len(told) == len(TARGETS)
    (reached,) = [line for line in told if "nochange_wru" in line]
    (missed,) = [line for line in told if "nochange_cpu_puts" in line]
    assert "reached" in reached
    assert "MISSED" in missed
    assert "9.5" in missed
    assert all("NOT MEASURED" in line for line in told if line not in (reached, missed))

from collections import Counter

from tests.ledger.test_whole_life import *

del test_what_must_hold_holds_whatever_people_do


def test_dbg(shared_app, keys, clock):
    counted = Counter()
    limits = settings(
        max_examples=5, stateful_step_count=200, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine(shared_app, keys, clock, counted), settings=limits)
    raise AssertionError(
        [
            x
            for x in sorted(counted.items())
            if x[0][0] in ("merges", "takes_apart", "links_what_comes_back", "publishes", "says_me_too")
        ]
    )

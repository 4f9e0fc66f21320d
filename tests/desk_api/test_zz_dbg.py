from tests.desk_api.test_shifts import get, pressing, road, statements
def test_x(pressing, desk):
    def sent():
        with statements() as made: get(desk, "ma", "/shifts/hand-over")
        return [m[:150].replace("\n"," ") for m in made]
    sent(); a=sent()
    for _ in range(4):
        pressing.clock.advance(minutes=20); pressing.in_progress()
    b=sent()
    import collections
    print("EXTRA", collections.Counter(b)-collections.Counter(a)); assert 0

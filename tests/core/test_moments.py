"""Moments in other people's files: every usual form is read as China time, nothing is guessed."""

from datetime import UTC, datetime

import pytest

from app.core.moments import read_moment


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2019/2/28 11:25:05", "2019-02-28T03:25:05"),
        ("2019-02-28 11:25:05", "2019-02-28T03:25:05"),
        ("2019-02-28T11:25:05", "2019-02-28T03:25:05"),
        ("2019-02-28T11:25:05Z", "2019-02-28T11:25:05"),
        ("2019-02-28T11:25:05.123+08:00", "2019-02-28T03:25:05"),
        ("2019-02-28 11:25 +0100", "2019-02-28T10:25:00"),
        ("2019/2/28 9:05", "2019-02-28T01:05:00"),
        ("2019.2.28", "2019-02-27T16:00:00"),
        ("20190228", "2019-02-27T16:00:00"),
        ("20190228 11:25", "2019-02-28T03:25:00"),
        ("2019-02-28", "2019-02-27T16:00:00"),
        ("2019年2月28日", "2019-02-27T16:00:00"),
        ("2019年2月28日 11时25分", "2019-02-28T03:25:00"),
        ("2019年2月28日11时25分5秒", "2019-02-28T03:25:05"),
        ("2019 年 2 月 28 日（星期四） 下午3点", "2019-02-28T07:00:00"),
        ("2019/2/28 下午 3:05:06", "2019-02-28T07:05:06"),
        ("2019/2/28 上午12:05", "2019-02-27T16:05:00"),
        ("2019/2/28 3:05 PM", "2019-02-28T07:05:00"),
        ("２０１９／２／２８　１１：２５：０５", "2019-02-28T03:25:05"),
    ],
)
def test_a_moment_is_read(text, iso):
    assert read_moment(text) == datetime.fromisoformat(iso).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "昨天", "2019", "2019-13-01", "2019-02-30", "28/2/2019", "43524.47", "0000-01-01"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="date"):
        read_moment(text)


@pytest.mark.parametrize("time", [" 25:00", " 11:61", " 11", " 11:25 +99:99"])
def test_a_wrong_time_of_day_is_refused(time):
    with pytest.raises(ValueError, match="date"):
        read_moment("2019-02-28" + time)

# {"requirements": ["python-dateutil", "pendulum", "pyyaml"]}
import pendulum
import yaml
from dateutil import parser, rrule


def handler(event):
    start = parser.parse("2026-11-28T10:00:00+01:00")
    days = [day.isoformat() for day in rrule.rrule(rrule.WEEKLY, count=10, dtstart=start)]
    return [yaml.safe_load(yaml.safe_dump(days)), pendulum.datetime(2026, 11, 28, tz="Europe/Berlin").add(months=3).to_iso8601_string()]

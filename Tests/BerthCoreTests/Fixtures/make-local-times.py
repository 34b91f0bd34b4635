"""Writes local-times.csv: what Python's zoneinfo says of local times, for LocalTimeTests.

Run with Python 3.11 or later and tzdata 2025b: python3 make-local-times.py > local-times.csv
Columns: zone, local time, then every instant (seconds since 1970) at which clocks there show it.
"""
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = """Europe/London Europe/Berlin America/New_York Asia/Kolkata Australia/Lord_Howe
Pacific/Apia Africa/Casablanca Europe/Dublin America/Sao_Paulo Asia/Tehran Asia/Pyongyang
Pacific/Kwajalein Antarctica/Troll America/Caracas Asia/Kathmandu Africa/Monrovia UTC
America/Asuncion Pacific/Chatham""".split()
EPOCH = datetime(1970, 1, 1)


def instants(local, zone):
    found = set()
    for fold in (0, 1):
        moment = local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc)
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local:
            found.add(int(moment.timestamp()))
    return sorted(found)


def transitions(zone):
    at = datetime(1970, 1, 3, tzinfo=timezone.utc)
    while at.year < 2100:
        later = at + timedelta(hours=12)
        if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            low, high = at, later
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                middle = middle.replace(microsecond=0)
                same = middle.astimezone(zone).utcoffset() == at.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high
        at = later


random.seed(1042)
for name in ZONES:
    zone = ZoneInfo(name)
    cases = set()
    changes = list(transitions(zone))
    for change in random.sample(changes, min(30, len(changes))):
        for side in (change - timedelta(seconds=1), change):
            base = side.astimezone(zone).replace(tzinfo=None, fold=0)
            for delta in (-1800, -1, 0, 1, 900):
                cases.add(base + timedelta(seconds=delta))
    for _ in range(40):
        cases.add(EPOCH + timedelta(minutes=random.randrange(1440 * 2, 130 * 365 * 1440)))
    for local in sorted(cases):
        print(name, local.strftime("%Y-%m-%d %H:%M:%S"), *instants(local, zone), sep=",")

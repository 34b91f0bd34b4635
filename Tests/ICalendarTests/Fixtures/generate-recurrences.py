"""Writes recurrences.tsv: rules with the starts that python-dateutil and recurring-ical-events give them.

Run with python-dateutil 2.9.0.post0, icalendar 7.3.0 and recurring-ical-events 3.8.2:

    python generate-recurrences.py > recurrences.tsv

A line is: rule, zone, first local start, days from the first start's day to each local start (dateutil),
minutes from the first start to each instant (recurring-ical-events; "-" where the start does not match the rule,
which it adds nevertheless).
Left out, because python-dateutil departs from RFC 5545: BYDAY with and without numbers in one rule (it wants
both); BYSETPOS of a first, broken week (it counts from the start, not from the week's first day); BYWEEKNO
without BYDAY (it takes the whole week, where section 3.3.10 takes the weekday of the start, as libical does).
"""
import random
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import recurring_ical_events
from dateutil.rrule import rrulestr
from icalendar import Calendar

ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
RULES = 2400
MOST = 60


def some(dice, values, most):
    return sorted(dice.sample(values, dice.randint(1, min(most, len(values)))))


def joined(values):
    return ",".join(str(value) for value in values)


def signed(dice, low, high, most):
    return [dice.choice([1, 1, -1]) * value for value in some(dice, range(low, high + 1), most)]


def start_of(dice, zone):
    day = datetime(dice.randint(2023, 2032), 1, 1) + timedelta(days=dice.randrange(366))
    kind = dice.random()
    if kind < 0.1:
        day = datetime(dice.choice([2024, 2028]), 2, 29)
    elif kind < 0.2:
        day = day.replace(month=dice.choice([1, 12]), day=dice.choice([1, 2, 3, 29, 30, 31]))
    elif kind < 0.4:
        day = day.replace(month=dice.choice([3, 4, 10, 11]), day=dice.randint(1, 30))
    return day.replace(hour=dice.choice([0, 1, 2, 9, 17, 23]), minute=dice.choice([0, 15, 30]))


def rule_of(dice, start):
    frequency = dice.choice(["DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY"])
    parts = ["FREQ=" + frequency]
    if dice.random() < 0.5:
        parts.append(f"INTERVAL={dice.choice([1, 2, 3, 4, 5, 7, 13])}")
    chosen = False
    if dice.random() < 0.25:
        parts.append("BYMONTH=" + joined(some(dice, range(1, 13), 4)))
        chosen = True
    if frequency != "WEEKLY" and dice.random() < 0.3:
        parts.append("BYMONTHDAY=" + joined(signed(dice, 1, 31, 4)))
        chosen = True
    if frequency == "YEARLY" and dice.random() < 0.15:
        parts.append("BYYEARDAY=" + joined(signed(dice, 1, 366, 5)))
        chosen = True
    weeks = frequency == "YEARLY" and dice.random() < 0.2
    if weeks:
        parts.append("BYWEEKNO=" + joined(signed(dice, 1, 53, 4)))
        chosen = True
    if weeks or dice.random() < 0.5:
        days = some(dice, DAYS, 4)
        if frequency in ("MONTHLY", "YEARLY") and not weeks and dice.random() < 0.6:
            most = 5 if frequency == "MONTHLY" else 53
            days = [f"{dice.choice([-2, -1, 1, 2, 3, most, -most])}{day}" for day in days]
        parts.append("BYDAY=" + joined(days))
        chosen = True
    week_start = "MO"
    if dice.random() < 0.3:
        week_start = dice.choice(DAYS)
        parts.append("WKST=" + week_start)
    whole_week = DAYS[start.weekday()] == week_start
    if chosen and (frequency != "WEEKLY" or whole_week) and dice.random() < 0.2:
        parts.append("BYSETPOS=" + joined(signed(dice, 1, 4, 2)))
    if dice.random() < 0.6:
        parts.append(f"COUNT={dice.randint(1, 30)}")
    else:
        until = start + timedelta(days=dice.choice([10, 60, 400, 1500]), minutes=dice.choice([-1, 0, 1]))
        parts.append("UNTIL=" + until.strftime("%Y%m%dT%H%M%SZ"))
    return ";".join(parts)


def instants(rule, start, zone, last):
    """The starts as recurring-ical-events expands them, in minutes from the first."""
    text = start.strftime("%Y%m%dT%H%M%S")
    end = (start + timedelta(minutes=10)).strftime("%Y%m%dT%H%M%S")
    at = f"DTSTART;TZID={zone}:{text}" if zone != "UTC" else f"DTSTART:{text}Z"
    to = f"DTEND;TZID={zone}:{end}" if zone != "UTC" else f"DTEND:{end}Z"
    calendar = Calendar.from_ical("\r\n".join([
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Berth//test//EN", "BEGIN:VEVENT", "UID:1",
        "DTSTAMP:20260101T000000Z", at, to, "RRULE:" + rule, "END:VEVENT", "END:VCALENDAR", ""]))
    found = recurring_ical_events.of(calendar).between(start - timedelta(days=2), last + timedelta(days=2))
    first = start.replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)
    starts = sorted(event["DTSTART"].dt.astimezone(timezone.utc) for event in found)
    return [int((at - first).total_seconds() // 60) for at in starts]


def main():
    dice = random.Random(20261123)
    written = 0
    while written < RULES:
        zone = dice.choice(ZONES)
        start = start_of(dice, zone)
        rule = rule_of(dice, start)
        aware = start.replace(tzinfo=ZoneInfo(zone))
        starts = []
        try:
            for occurrence in rrulestr(rule, dtstart=aware):
                if occurrence.year > 2150 or len(starts) > MOST:
                    break
                starts.append(occurrence.replace(tzinfo=None))
        except IndexError:
            continue  # dateutil's own, on some BYWEEKNO and BYSETPOS that match nothing
        if not starts or len(starts) > MOST or starts[-1].year > 2100:
            continue
        days = [(occurrence.date() - start.date()).days for occurrence in starts]
        minutes = "-"
        if starts[0] == start:
            minutes = joined(instants(rule, start, zone, starts[-1]))
        print(rule, zone, start.isoformat(), joined(days), minutes, sep="\t")
        written += 1
    print(f"{written} rules", file=sys.stderr)


main()

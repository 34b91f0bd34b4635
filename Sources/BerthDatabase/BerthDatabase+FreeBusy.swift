import BerthCore
import Foundation
import ICalendar
import Postgres

extension BerthDatabase {
    /// When an environment is taken within a span, buffers included, as a VFREEBUSY: by whom and for what it does
    /// not say. Throws `.notFound`. Cost: the claims of that span.
    public func freeBusy(
        _ feed: Feed, _ span: Range<Date>, changedAt: Date
    ) async throws -> [UInt8] {
        guard case .environment(let key) = feed else { throw BerthError.notFound(Feed.unknown) }
        let rows = try await translatingErrors {
            try await client.query(
                """
                SELECT CASE WHEN c.window_id IS NOT NULL THEN 'unavailable'
                            WHEN b.state = 'requested' THEN 'tentative' ELSE 'busy' END,
                       c.period * tstzrange(\(span.lowerBound), \(span.upperBound))
                FROM claims c
                LEFT JOIN bookings b ON b.id = c.booking_id
                WHERE c.environment_id = (SELECT e.id FROM environments e WHERE e.key = \(key))
                  AND c.lane = 'use' AND c.period && tstzrange(\(span.lowerBound), \(span.upperBound))
                ORDER BY lower(c.period), upper(c.period), c.booking_id, c.window_id
                """, deadline: .seconds(30))
        }
        var periods: [(kind: FreeBusy.Kind, period: Range<Date>)] = []
        for row in rows {
            let (kind, period) = try row.decode(String.self, Range<Date>.self)
            FreeBusy.Kind(claim: kind).map { periods.merge($0, period) }
        }
        var calendar = CalendarWriter(
            CalendarWriter.Head(productID: "-//Berth//Berth//EN", name: feed.name))
        calendar.write(
            FreeBusy(
                uid: FeedWriter(FeedOptions(publicURL: ""), installation: try await installation())
                    .uid("free-busy-\(key)"),
                modifiedAt: changedAt, span: span, periods: periods))
        calendar.end()
        return calendar.take()
    }
}

extension FreeBusy.Kind {
    fileprivate init?(claim: String) {
        switch claim {
        case "busy": self = .busy
        case "tentative": self = .tentative
        case "unavailable": self = .unavailable
        default: return nil
        }
    }
}

extension [(kind: FreeBusy.Kind, period: Range<Date>)] {
    /// Adds a period that begins no sooner than the others; to the last of its kind where they meet.
    fileprivate mutating func merge(_ kind: FreeBusy.Kind, _ period: Range<Date>) {
        if let last = lastIndex(where: { $0.kind == kind }),
            period.lowerBound <= self[last].period.upperBound
        {
            let end = Swift.max(self[last].period.upperBound, period.upperBound)
            self[last].period = self[last].period.lowerBound..<end
        } else {
            append((kind, period))
        }
    }
}

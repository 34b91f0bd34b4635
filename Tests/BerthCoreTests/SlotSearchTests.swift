import Foundation
import Testing

@testable import BerthCore

@Suite("The best slots")
struct SlotSearchTests {
    private let from = Date(timeIntervalSince1970: 1_803_891_600)

    private func hour(_ hours: Double) -> Date { from.addingTimeInterval(hours * 3600) }

    private func candidate(
        _ key: String, degraded: Bool = false, setup: Double = 0, teardown: Double = 0,
        places: Int = 0, busy: (Double, Double)...
    ) -> SlotCandidate {
        SlotCandidate(
            key: key, isDegraded: degraded, setup: setup * 3600, teardown: teardown * 3600,
            places: places, starts: [from...hour(23)],
            busy: busy.map { hour($0.0)..<hour($0.1) })
    }

    private func search(
        _ candidates: [SlotCandidate], count: Int = 1, hours: Double = 1, limit: Int = 20
    ) -> [Slot] {
        SlotSearch(candidates, count: count, length: hours * 3600, in: from..<hour(24)).slots(limit)
    }

    @Test(
        "Earlier, then not degraded, then fewer kept out, then the gap that ends sooner, then the key"
    )
    func order() {
        let slots = search(
            [
                candidate("late", busy: (0, 1)), candidate("b-wide"), candidate("a-wide"),
                candidate("tight", busy: (2, 3)), candidate("tighter", busy: (1, 3)),
                candidate("meets", places: 1, busy: (1, 2)),
                candidate("degraded", degraded: true, busy: (1, 2)),
            ], limit: 7)
        #expect(
            slots.map(\.environments) == [
                ["tighter"], ["tight"], ["a-wide"], ["b-wide"], ["meets"], ["degraded"], ["late"],
            ])
        #expect(
            slots[0].reasons == [
                "free at once", "keeps nobody out of shared parts", "fits a gap of 1 h exactly",
            ])
        #expect(slots[1].reasons.last == "free until 2027-03-01T11:00:00Z")
        #expect(slots[4].reasons[1] == "keeps 1 other out of shared parts")
        #expect(slots[5].reasons[1] == "degraded")
        #expect(slots[6].reasons[0] == "first free at 2027-03-01T10:00:00Z")
        #expect(slots[6].reasons.last == "nothing else before 2027-03-02T09:00:00Z")
    }

    @Test("A gap that is just as long as needed is used, buffers included, and said to fit")
    func exactGap() {
        let slots = search(
            [candidate("uat-1", setup: 0.5, teardown: 1, busy: (-1, 2), (4.5, 5), (7.4, 8))],
            limit: 2)
        #expect(slots.map(\.startsAt) == [hour(2.5), hour(8.5)])
        #expect(slots[0].reasons.last == "fits a gap of 2 h 30 min exactly")
    }

    @Test("One environment gives its free slots one after the other, with room for the buffers")
    func oneEnvironment() {
        let slots = search([candidate("uat-1", teardown: 1, busy: (5, 20))], hours: 2, limit: 9)
        #expect(slots.map(\.startsAt) == [from, hour(20)])
        #expect(slots.map(\.endsAt) == [hour(2), hour(22)])
    }

    @Test("None is offered twice before all have been offered once")
    func fairness() {
        let slots = search([candidate("a"), candidate("b", busy: (0, 12))], hours: 4, limit: 3)
        #expect(slots.map(\.environments) == [["a"], ["a"], ["b"]])
        #expect(slots.map(\.startsAt) == [from, hour(4), hour(12)])
        #expect(
            search([candidate("a"), candidate("b", busy: (0, 12))], limit: 2).map(\.environments)
                == [["a"], ["b"]])
    }

    @Test("Together: the first instant at which enough are free, with the largest buffers of all")
    func together() {
        let slots = search(
            [
                candidate("a", busy: (2, 6)), candidate("b", setup: 1, busy: (-1, 3), (9, 10)),
                candidate("c", busy: (0, 8)),
            ], count: 2, hours: 1, limit: 1)
        // b's setup counts for a, too: a is free from 6, so both start at 7.
        #expect(
            slots == [
                Slot(
                    environments: ["b", "a"], startsAt: hour(7), endsAt: hour(8),
                    reasons: [
                        "first free at 2027-03-01T16:00:00Z", "keeps nobody out of shared parts",
                        "free until 2027-03-01T18:00:00Z",
                    ])
            ])
    }
}

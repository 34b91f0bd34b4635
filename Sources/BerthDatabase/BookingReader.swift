import BerthCore
import Postgres

/// Reads single bookings. Those asked for while a query runs are read together by the next: under load, one
/// query answers dozens, and the database does a fraction of the work.
///
/// A read sees all that was committed before it was asked for, because its query starts later.
public actor BookingReader {
    private static let mostTogether = 64
    /// Queries under way at once: the second one is built while the first waits for the database.
    private static let mostQueries = 2

    private let client: PostgresClient
    private var waiting: [Int64: [CheckedContinuation<Booking?, any Error>]] = [:]
    private var queries = 0

    init(client: PostgresClient) {
        self.client = client
    }

    /// The booking with this id, or nil.
    func booking(_ id: Int64) async throws -> Booking? {
        try await withCheckedThrowingContinuation { continuation in
            waiting[id, default: []].append(continuation)
            if queries < Self.mostQueries {
                queries += 1
                Task { await readUntilNoneWait() }
            }
        }
    }

    private func readUntilNoneWait() async {
        while !waiting.isEmpty {
            var batch: [Int64: [CheckedContinuation<Booking?, any Error>]] = [:]
            while batch.count < Self.mostTogether, let (id, readers) = waiting.popFirst() {
                batch[id] = readers
            }
            do {
                let found = try await read(Array(batch.keys))
                for (id, readers) in batch {
                    for reader in readers { reader.resume(returning: found[id]) }
                }
            } catch {
                for reader in batch.values.joined() { reader.resume(throwing: error) }
            }
        }
        queries -= 1
    }

    private func read(_ ids: [Int64]) async throws -> [Int64: Booking] {
        let rows = try await client.query(
            "SELECT \(unescaped: Booking.columnList) FROM bookings b WHERE b.id = ANY (\(ids))")
        var found: [Int64: Booking] = [:]
        for row in rows {
            let booking = try Booking(row)
            found[booking.reference.id] = booking
        }
        return found
    }
}

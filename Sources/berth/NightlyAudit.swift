import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation
import Logging

/// The audit of each night, for servers without a timer: `berth serve --audit-at 02:00`.
///
/// Any number of servers may run it at once; a night is audited once.
struct NightlyAudit: Sendable {
    /// The minute of the UTC day at which it is due.
    var minuteOfDay: Int
    /// How long after its time a server that was not there catches up, in seconds.
    static let catchesUpSeconds = 6.0 * 3600

    /// Reads `HH:MM`.
    init(_ text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hour = Int(parts[0]), let minute = Int(parts[1]),
            (0..<24).contains(hour), (0..<60).contains(minute)
        else { throw ValidationError("--audit-at \(text) is no time of day: write it as 02:00") }
        minuteOfDay = hour * 60 + minute
    }

    /// The night that is to be audited at an instant, by the instant at which it was due; nil when that is long
    /// past.
    func due(at now: Date) -> Date? {
        let day = (now.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400
        var due = Date(timeIntervalSince1970: day + Double(minuteOfDay) * 60)
        if due > now { due.addTimeInterval(-86_400) }
        return now.timeIntervalSince(due) <= Self.catchesUpSeconds ? due : nil
    }

    /// Audits each night once its time has come, until cancelled. One that fails is tried again after a while.
    func run(_ database: BerthDatabase, logger: Logger) async {
        var audited: Date?
        while !Task.isCancelled {
            var pause: Duration = .seconds(20)
            if let due = due(at: Date()), due != audited {
                do {
                    let audit = try await database.audit(
                        AuditRequest(recordedBy: "berth serve", dueAt: due), now: Date())
                    audited = due
                    logger.notice(
                        "audited",
                        metadata: [
                            "run": "\(audit.run ?? 0)", "new": "\(audit.summary.new)",
                            "persisting": "\(audit.summary.persisting)",
                        ])
                } catch {
                    logger.error("the audit failed", metadata: ["error": "\(error)"])
                    pause = .seconds(300)
                }
            }
            try? await Task.sleep(for: pause)
        }
    }
}

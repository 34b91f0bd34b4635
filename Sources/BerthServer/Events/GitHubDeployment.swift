import BerthCore
import Foundation

/// GitHub's `deployment_status` webhook (docs.github.com, "Webhook events and payloads"): a status
/// that a deployment came to.
struct GitHubDeployment {
    private let status: Status
    private let repository: String
    private let body: JSONValue

    /// What a delivery tells: a deployment that ended, well or not, is a change; other deliveries are
    /// ignored, each with the reason. Throws `.invalid` with all faults of a deployment status that
    /// lacks what GitHub always sends.
    static func read(event: String, _ body: JSONObject) throws(BerthError) -> EventReading {
        guard event == "deployment_status" else {
            return .ignored("tells of no deployment's end: X-GitHub-Event is \(event.prefix(100))")
        }
        let delivery = try GitHubDeployment(body)
        let outcome: String
        switch delivery.status.state {
        case "success": outcome = "deployed"
        case "failure", "error": outcome = "failed to deploy, perhaps in part"
        case "inactive": return .ignored("a later deployment has taken its place")
        case "pending", "queued", "in_progress", "waiting":
            return .ignored("nothing has come of it yet: \(delivery.status.state)")
        default: return .ignored("has an unknown state: \(delivery.status.state)")
        }
        return .change(delivery.change(outcome))
    }

    private init(_ object: JSONObject) throws(BerthError) {
        body = .object(object)
        var fields = FieldReader(object, isPatch: false)
        let repository = fields.foreign("repository", isRequired: true) { repository in
            repository.require("full_name")
            return repository.read("full_name", .eventAttribute)
        }
        let planned = fields.foreign("deployment") { $0.foreignText("environment") }
        let status = fields.foreign("deployment_status", isRequired: true) {
            Status(&$0, planned: planned)
        }
        guard let repository, let status, fields.faults.isEmpty else {
            throw .invalid(fields.faults)
        }
        self.repository = repository
        self.status = status
    }

    /// What was deployed: a branch moves on, so that its name alone does not say.
    private var version: String? {
        let ref = body.text("deployment", "ref")
        guard let sha = body.text("deployment", "sha") else { return ref }
        let short = String(sha.prefix(7))
        guard let ref, !ref.isEmpty, !sha.hasPrefix(ref) else { return short }
        return "\(ref)@\(short)"
    }

    private func change(_ outcome: String) -> ReportedChange {
        let version = version
        let task = body.text("deployment", "task") ?? "deploy"
        let what = ([repository, version, task == "deploy" ? nil : "(\(task))"] as [String?])
            .compactMap { $0 }.joined(separator: " ")
        return ReportedChange(
            source: "github:\(repository)", eventID: "deployment_status:\(status.id)",
            environmentName: status.environment, occurredAt: status.createdAt,
            actor: body.text("deployment_status", "creator", "login"), repository: repository,
            kind: .deploy, summary: "\(what) \(outcome)",
            component: repository.split(separator: "/").last.map(String.init), version: version,
            url: body.text("deployment_status", "log_url")
                ?? body.text("deployment_status", "target_url"))
    }
}

/// What Berth must know of a status.
private struct Status {
    let id: Int
    let state: String
    let createdAt: Date
    let environment: String

    /// - Parameter planned: the deployment's environment, for a status that names none of its own.
    init?(_ fields: inout FieldReader, planned: String?) {
        fields.require("id", "state", "created_at")
        let id = fields.read("id", .whole(1...Int.max))
        let state = fields.read("state", .foreignName)
        let createdAt = fields.read("created_at", .instant)
        let environment = fields.foreignText("environment") ?? planned
        if environment == nil { fields.fault("environment", "is required") }
        guard let id, let state, let createdAt, let environment else { return nil }
        self.id = id
        self.state = state
        self.createdAt = createdAt
        self.environment = environment
    }
}

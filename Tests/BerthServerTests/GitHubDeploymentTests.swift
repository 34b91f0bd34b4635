import BerthCore
import Foundation
import NIOCore
import Testing

@testable import BerthServer

@Suite("Reading deliveries of GitHub")
struct GitHubDeploymentTests {
    private func read(
        _ body: ByteBuffer, event: String = "deployment_status"
    ) throws -> EventReading {
        guard case .object(let object) = try JSONValue(body: body) else {
            throw BerthError.invalid("", "is no object")
        }
        return try GitHubDeployment.read(event: event, object)
    }

    private func change(_ body: String) throws -> ReportedChange {
        guard case .change(let change) = try read(ByteBuffer(string: body)) else {
            throw BerthError.invalid("", "is ignored")
        }
        return change
    }

    /// A delivery; members given take the place of those of the same name, or stand beside them.
    private static func delivery(
        status: [String: String] = [:], deployment: [String: String] = [:],
        repository: String? = #"{"full_name":"acme/shop"}"#
    ) -> String {
        func object(_ members: [String: String]) -> String {
            "{"
                + members.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1)" }
                .joined(separator: ",") + "}"
        }
        let status = [
            "id": "7", "state": #""success""#, "created_at": #""2027-03-01T09:00:00Z""#,
            "environment": #""uat-1""#, "creator": #"{"login":"octo"}"#,
        ].merging(status) { $1 }
        let deployment = ["ref": #""v1.2""#, "sha": #""f95f852bd8fc""#]
            .merging(deployment) { $1 }
        return """
            {"deployment_status":\(object(status)),"deployment":\(object(deployment))\
            \(repository.map { ",\"repository\":\($0)" } ?? "")}
            """
    }

    @Test(
        "GitHub's own example is read",
        .enabled(if: SharedEvents.areThere, "the folder ../shared/data is not on this machine"))
    func example() throws {
        let reading = try read(SharedEvents.body("github/deployment_status.json"))
        #expect(
            reading
                == .change(
                    ReportedChange(
                        source: "github:Codertocat/Hello-World",
                        eventID: "deployment_status:209916254", environmentName: "production",
                        occurredAt: try RFC3339.date("2019-05-15T15:20:55Z"), actor: "Codertocat",
                        repository: "Codertocat/Hello-World", kind: .deploy,
                        summary: "Codertocat/Hello-World master@f95f852 deployed",
                        component: "Hello-World", version: "master@f95f852")))
        let planned = try read(SharedEvents.body("github/deployment.json"), event: "deployment")
        #expect(
            planned == .ignored("tells of no deployment's end: X-GitHub-Event is deployment"))
    }

    @Test(
        "What was deployed is the branch and the commit, as a branch moves on",
        arguments: [
            (["ref": #""main""#], "main@f95f852"), (["ref": #""f95f852bd8fc""#], "f95f852"),
            (["ref": #""""#], "f95f852"), (["sha": "null"], "v1.2"),
        ])
    func version(deployment: [String: String], expected: String) throws {
        #expect(try change(Self.delivery(deployment: deployment)).version == expected)
    }

    @Test(
        "A deployment that failed may have happened in part, and is told so",
        arguments: ["failure", "error"])
    func failures(state: String) throws {
        let change = try change(Self.delivery(status: ["state": "\"\(state)\""]))
        #expect(change.summary == "acme/shop v1.2@f95f852 failed to deploy, perhaps in part")
        #expect(change.kind == .deploy)
    }

    @Test(
        "A deployment that has not ended, and any state that nobody knows, is ignored with a reason",
        arguments: ["pending", "queued", "in_progress", "waiting", "inactive", "levitating"])
    func unended(state: String) throws {
        let body = Self.delivery(status: ["state": "\"\(state)\""])
        guard case .ignored(let reason) = try read(ByteBuffer(string: body)) else {
            Issue.record("\(state) is read")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test("Other deliveries are ignored, whatever they hold", arguments: ["ping", "push", ""])
    func otherEvents(event: String) throws {
        #expect(
            try read(ByteBuffer(string: "{}"), event: event)
                == .ignored("tells of no deployment's end: X-GitHub-Event is \(event)"))
    }

    @Test("What a status leaves out is taken from its deployment, and a commit is shortened")
    func fallbacks() throws {
        let change = try change(
            Self.delivery(
                status: [
                    "environment": "null", "log_url": #""https://ci/1""#, "target_url": #""""#,
                    "creator": "null", "created_at": #""2027-03-01T09:00:00.75Z""#,
                ],
                deployment: [
                    "environment": #""uat-2""#, "ref": #""""#, "task": #""deploy:migrations""#,
                ]))
        #expect(change.environmentName == "uat-2")
        #expect(change.version == "f95f852")
        #expect(change.url == "https://ci/1")
        #expect(change.actor == nil)
        #expect(change.occurredAt == Date(timeIntervalSince1970: 1_803_891_600))
        #expect(change.summary == "acme/shop f95f852 (deploy:migrations) deployed")
        #expect(
            try self.change(Self.delivery(status: ["target_url": #""javascript:x""#])).url == nil)
    }

    @Test(
        "A delivery that lacks what GitHub always sends names every place",
        arguments: [
            ("{}", ["/repository", "/deployment_status"]),
            (#"{"deployment_status":[],"repository":7}"#, ["/repository", "/deployment_status"]),
            (
                #"{"deployment_status":{},"repository":{}}"#,
                [
                    "/repository/full_name", "/deployment_status/id", "/deployment_status/state",
                    "/deployment_status/created_at", "/deployment_status/environment",
                ]
            ),
            (delivery(status: ["id": "1.5"]), ["/deployment_status/id"]),
            (delivery(status: ["id": #""7""#]), ["/deployment_status/id"]),
            (
                delivery(status: ["id": String(repeating: "9", count: 1_000)]),
                ["/deployment_status/id"]
            ),
            (delivery(status: ["created_at": "7"]), ["/deployment_status/created_at"]),
            (delivery(status: ["environment": #"" ""#]), ["/deployment_status/environment"]),
            (delivery(repository: nil), ["/repository"]),
            (delivery(repository: #"{"full_name":"a\nb"}"#), ["/repository/full_name"]),
            (delivery(deployment: ["environment": "7"]), ["/deployment/environment"]),
        ])
    func missing(body: String, pointers: [String]) {
        let error = #expect(throws: BerthError.self) { try read(ByteBuffer(string: body)) }
        guard case .invalid(let faults) = error else { return }
        #expect(faults.map(\.pointer) == pointers)
    }

    @Test("Names with control characters are made one line")
    func hostileNames() throws {
        let change = try change(
            Self.delivery(
                status: ["environment": #""uat\u00001\n""#, "creator": #"{"login":"o\u001bx"}"#],
                deployment: ["ref": #""v\r\n1""#]))
        #expect(change.environmentName == "uat 1")
        #expect(change.actor == "o x")
        #expect(change.version == "v  1@f95f852")
    }
}

@Suite("Signatures of GitHub")
struct GitHubSignatureTests {
    private static let secret = "It's a Secret to Everybody"
    private static let body = ByteBuffer(string: "Hello, World!")
    private static let code = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    @Test("GitHub's published example is right, in either case of its digits")
    func example() {
        for code in [Self.code, Self.code.uppercased()] {
            #expect(
                GitHubSignature.isValid("sha256=\(code)", of: Self.body, secret: Self.secret))
        }
    }

    @Test(
        "What is forged, of another form or missing is not right",
        arguments: [
            nil, "", "sha256=", code, "sha1=\(code)", "SHA256=\(code)", " sha256=\(code)",
            "sha256=\(code) ", "sha256=\(code)00", "sha256=\(code.dropLast())",
            "sha256=\(code.dropLast(2))", "sha256=\(code.dropLast())8",
            "sha256=\(code.dropLast())g",
            "sha256=\(code.dropLast())７", "sha256=+\(code.dropFirst())",
            "sha256=" + String(repeating: "0", count: 64), "sha256=\(code), sha256=\(code)",
        ] as [String?])
    func forged(signature: String?) {
        #expect(!GitHubSignature.isValid(signature, of: Self.body, secret: Self.secret))
    }

    @Test("Another body, another secret and an empty secret do not fit")
    func mismatch() {
        let signature = "sha256=\(Self.code)"
        #expect(
            !GitHubSignature.isValid(
                signature, of: ByteBuffer(string: "Hello, World?"), secret: Self.secret))
        #expect(!GitHubSignature.isValid(signature, of: Self.body, secret: "another"))
        // The code of an empty body under an empty key.
        let empty = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        #expect(!GitHubSignature.isValid("sha256=\(empty)", of: ByteBuffer(), secret: ""))
    }
}

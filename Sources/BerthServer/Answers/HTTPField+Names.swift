import HTTPTypes

extension HTTPField.Name {
    static let requestID = named("X-Request-Id")
    static let link = named("Link")
    static let idempotencyKey = named("Idempotency-Key")

    private static func named(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else {
            preconditionFailure("\(text) is no field's name")
        }
        return name
    }
}

import HTTPTypes

extension HTTPField.Name {
    static let requestID = named("X-Request-Id")
    static let referrerPolicy = named("Referrer-Policy")
    static let link = named("Link")
    static let xForwardedFor = named("X-Forwarded-For")
    static let forwarded = named("Forwarded")
    static let prefer = named("Prefer")
    static let preferenceApplied = named("Preference-Applied")
    static let lastEventID = named("Last-Event-ID")
    static let xAccelBuffering = named("X-Accel-Buffering")
    static let secFetchSite = named("Sec-Fetch-Site")
    static let idempotencyKey = named("Idempotency-Key")

    /// A name that the program knows to be one.
    static func named(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else {
            preconditionFailure("\(text) is no field's name")
        }
        return name
    }
}

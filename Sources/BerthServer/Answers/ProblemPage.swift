/// What a problem means and what to do about it, for people: where the `type` of a problem leads.
struct ProblemPage {
    let assets: PageAssets
    let kind: Problem.Kind
    let meaning: String

    /// The page of a kind of problem; nil for a name that no problem has.
    init?(_ name: String, assets: PageAssets) {
        guard let (kind, meaning) = Self.meanings.first(where: { $0.0.name == name }) else {
            return nil
        }
        self.assets = assets
        self.kind = kind
        self.meaning = meaning
    }

    /// Every kind of problem that has a type, with what it means and what to do.
    static let meanings: [(Problem.Kind, String)] = [
        (
            .invalid,
            "Something that was sent is missing, malformed or against a rule. errors names "
                + "each such field by a JSON pointer, "
                + "or a parameter of the query by its name, with what is wrong and what would be "
                + "right. Nothing was done."
        ),
        (
            .unauthenticated,
            "No token was sent, or one that Berth does not know, or that was revoked. Send "
                + "Authorization: Bearer with a token; "
                + "whoever runs Berth makes one with berth token create, an admin with POST "
                + "/v1/tokens."
        ),
        (
            .badSignature,
            "A delivery's signature does not fit its body and the secret that Berth has. Give "
                + "the webhook the secret that the "
                + "server was started with (BERTH_GITHUB_SECRET)."
        ),
        (
            .forbidden,
            "The token is good, and its role, its team or its labels do not let it do this; "
                + "detail says who may. Ask them, or "
                + "for another token."
        ),
        (
            .notFound,
            "There is nothing of that name, or nothing that the caller may see. Look at how it "
                + "is written."
        ),
        (
            .methodNotAllowed,
            "The path exists and is not used with this method; Allow lists those that it has."
        ),
        (
            .bookingConflict,
            "Somebody holds what was asked for. conflicts lists each booking or window in the "
                + "way, with who has it until when, and "
                + "through which part; alternatives lists what is free instead, each of which "
                + "can be booked as it stands. "
                + "onConflict: waitlist waits in line."
        ),
        (
            .illegalMove,
            "The state of the booking, window or environment does not allow the step; detail "
                + "says why. Read it again: somebody may "
                + "have been faster."
        ),
        (
            .alreadyExists,
            "Something of that name exists, and names are unique. Choose another, or edit the "
                + "one that there is."
        ),
        (
            .requestInFlight,
            "The first request with this Idempotency-Key is still running. Repeat this one a "
                + "moment later: it gets the first one's "
                + "answer."
        ),
        (
            .stale,
            "The record has changed since the version that If-Match names. Read it again, look "
                + "at what changed, and send the "
                + "edit with its ETag."
        ),
        (
            .tooLarge,
            "The body has more bytes than are read; detail says how many those are. Send it in "
                + "pieces."
        ),
        (
            .unsupportedMediaType,
            "The body is of a type or in an encoding that is not read here. Send JSON in "
                + "UTF-8, with Content-Type: application/json "
                + "(application/merge-patch+json for a PATCH) and without Content-Encoding."
        ),
        (
            .idempotencyKeyReused,
            "This Idempotency-Key was used for another request within 24 hours. Make a new key "
                + "for each request, and repeat it only "
                + "with the same body."
        ),
        (
            .policy,
            "The environment's rules do not allow it. violations names each rule, its limit "
                + "and what was asked. Ask for less, or "
                + "its owner for an exception."
        ),
        (
            .preconditionRequired,
            "An edit says which version it is based on: send If-Match with the ETag that was "
                + "last seen."
        ),
        (
            .tooManyFailures,
            "Too many attempts with bad tokens came from this address. Wait as long as "
                + "Retry-After says; a good token always passes."
        ),
        (
            .internal,
            "Something went wrong inside Berth, and was logged. Tell whoever runs it the "
                + "request's id, which stands in detail and in "
                + "X-Request-Id."
        ),
        (
            .unavailable,
            "Berth cannot answer just now: its database is away, full or busy. Nothing was "
                + "done. Repeat it after Retry-After."
        ),
        (
            .storageFull,
            "The disk of the database is full. Nothing was done, and nothing can be written "
                + "until there is room; reading works. "
                + "Whoever runs Berth makes room, or gives the database a larger disk."
        ),
        (
            .outcomeUnknown,
            "The connection to the database broke while the change was being committed: it may "
                + "or may not have been done. Repeat it "
                + "with the same Idempotency-Key, or look before repeating it without one."
        ),
    ]

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        \(assets.head(kind.title))
        <body class="sign-in">
        <main>
        <h1>\(kind.title.htmlEscaped)</h1>
        <p><code>/problems/\(kind.name ?? "")</code>, status \(kind.status.code)</p>
        <p>\(meaning.htmlEscaped)</p>
        </main>
        </body>
        </html>

        """
    }
}

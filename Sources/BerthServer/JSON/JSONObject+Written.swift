extension JSONObject {
    /// The object that a record's writer writes: what a caller was shown, to be compared with what
    /// it sends.
    init?(written write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        write(&writer)
        guard let text = try? JSONParser.parse(writer.buffer), case .object(let object) = text.value
        else {
            return nil
        }
        self = object
    }
}

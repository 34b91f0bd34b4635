import CLibPQ

/// The values bound to a statement, laid out as libpq wants them.
struct PostgresParameters: Sendable {
    private(set) var types: [Oid] = []
    /// The first error that a value raised. Interpolation cannot throw, so it waits here.
    private(set) var failure: PostgresError?

    private var bytes = PostgresBytes()
    private var formats: [Int32] = []
    /// -1 for NULL, as in the protocol.
    private var lengths: [Int32] = []

    var count: Int { types.count }

    mutating func append<Value: PostgresEncodable>(_ value: Value) {
        let isText = Value.postgresType == .inferred
        let start = bytes.storage.count
        types.append(Value.postgresType.oid)
        formats.append(isText ? 0 : 1)
        if value.isPostgresNull {
            lengths.append(-1)
            return
        }
        do {
            try value.encode(into: &bytes)
        } catch {
            failure = failure ?? describe(error, type: Value.self)
        }
        lengths.append(Int32(clamping: bytes.storage.count - start))
        // libpq takes text up to a NUL, whatever length it is told; and an empty value needs an
        // address, as a null pointer stands for NULL.
        bytes.append(UInt8(0))
        if count > Int(UInt16.max) {
            failure = failure ?? PostgresError(.encoding, "more than 65535 parameters")
        }
    }

    private func describe(_ error: any Error, type: Any.Type) -> PostgresError {
        var failure = error as? PostgresError ?? PostgresError(.encoding, "\(type) failed")
        failure.explanation = "parameter $\(count): " + (failure.explanation ?? "")
        return failure
    }

    /// Calls `body` with the arrays that `PQsendQueryPrepared` and its like want.
    func withPointers<Value>(
        _ body: (
            _ count: Int32, _ values: UnsafePointer<UnsafePointer<CChar>?>?,
            _ lengths: UnsafePointer<Int32>?, _ formats: UnsafePointer<Int32>?
        ) -> Value
    ) -> Value {
        guard count > 0 else { return body(0, nil, nil, nil) }
        return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) {
            values in
            bytes.storage.withUnsafeBufferPointer { storage in
                // Absent only if all values are NULL.
                let base = UnsafeRawPointer(storage.baseAddress)
                var offset = 0
                for (index, length) in lengths.enumerated() {
                    let value = length < 0 ? nil : base.map { $0 + offset }
                    values[index] = value?.assumingMemoryBound(to: CChar.self)
                    offset += length < 0 ? 0 : Int(length) + 1
                }
                return body(Int32(count), values.baseAddress, lengths, formats)
            }
        }
    }
}

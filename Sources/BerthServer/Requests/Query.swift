import BerthCore
import Foundation

/// The parameters of a query, each of which a route must ask for: the rest are refused by name.
struct Query {
    private struct Parameter {
        var name: String
        var value: String
        var isKnown = false
    }

    private var parameters: [Parameter] = []
    /// The names that the route has asked for.
    private var known: [String] = []
    private(set) var faults: [FieldFault] = []

    /// Reads a query as forms are written: pairs between `&`, `+` for a space, the rest
    /// percent-encoded.
    init(_ raw: String?) {
        guard let raw, !raw.isEmpty else { return }
        for pair in raw.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decoded(sides[0], plusIsSpace: true),
                let value = PercentCoding.decoded(
                    sides.count > 1 ? sides[1] : "", plusIsSpace: true)
            else {
                faults.append(
                    FieldFault(String(sides[0].prefix(64)), "is not percent-encoded UTF-8"))
                continue
            }
            parameters.append(Parameter(name: name, value: value))
        }
    }

    /// The value of a parameter as sent.
    mutating func text(_ name: String) -> String? {
        let values = texts(name)
        if values.count > 1 { fault(name, "is given \(values.count) times: give it once") }
        return values.first
    }

    /// The values of a parameter that may be given several times.
    private mutating func texts(_ name: String) -> [String] {
        known.append(name)
        return parameters.indices.filter { parameters[$0].name == name }.map { index in
            parameters[index].isKnown = true
            return parameters[index].value
        }
    }

    /// A parameter read as a field's text is.
    mutating func read<Value>(_ name: String, _ form: FieldForm<Value>) -> Value? {
        guard let text = text(name) else { return nil }
        return form.read(.string(text), name, &faults)
    }

    /// A whole number within bounds.
    mutating func whole(_ name: String, _ bounds: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), bounds.contains(number) else {
            fault(name, "must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
            return nil
        }
        return number
    }

    /// `true` or `false`; false when it is not given.
    mutating func flag(_ name: String) -> Bool {
        switch text(name) {
        case nil, "false": return false
        case "true": return true
        default:
            fault(name, "must be true or false")
            return false
        }
    }

    /// A selector, `k:v,k:v`.
    mutating func selector(_ name: String) -> [String: String] {
        guard let text = text(name) else { return [:] }
        var pairs: [String: String] = [:]
        for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = pair.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2,
                LabelRules.faultOfKey(String(sides[0]), isSelector: true) == nil,
                !sides[1].unicodeScalars.contains(where: TextRules.isControl)
            else {
                fault(name, "is not a selector: write it as key:value,key:value")
                return [:]
            }
            if pairs.updateValue(String(sides[1]), forKey: String(sides[0])) != nil {
                fault(name, "names \(sides[0]) twice")
            }
        }
        if pairs.count > Limits.labels { fault(name, "has more than \(Limits.labels) pairs") }
        return pairs
    }

    /// Values between commas, or of the parameter given several times, each one of those allowed.
    mutating func choices<Value: RawRepresentable>(
        _ name: String, _ allowed: [Value]
    ) -> [Value] where Value.RawValue == String {
        texts(name).flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
            .compactMap { FieldForm.choice(allowed).read(.string(String($0)), name, &faults) }
    }

    /// One of the values allowed; nil when it is not given.
    mutating func choice<Value: RawRepresentable>(
        _ name: String, _ allowed: [Value]
    ) -> Value? where Value.RawValue == String {
        read(name, FieldForm.choice(allowed))
    }

    /// Records what is wrong with a parameter.
    mutating func fault(_ name: String, _ detail: String) {
        faults.append(FieldFault(name, detail))
    }

    /// Throws what was found to be wrong, parameters that nobody asked for included.
    mutating func finish() throws(BerthError) {
        for parameter in parameters where !parameter.isKnown {
            let meant = parameter.name.nearest(among: known).map { ": is \($0) meant?" } ?? ""
            fault(parameter.name, "is not a parameter of this request\(meant)")
        }
        guard faults.isEmpty else { throw .invalid(faults) }
    }

    /// The query again, for a link: with another cursor.
    func encoded(cursor: String) -> String {
        var pairs = parameters.filter { $0.name != "cursor" }.map { parameter in
            PercentCoding.encoded(parameter.name) + "=" + PercentCoding.encoded(parameter.value)
        }
        pairs.append("cursor=" + cursor)
        return pairs.joined(separator: "&")
    }
}

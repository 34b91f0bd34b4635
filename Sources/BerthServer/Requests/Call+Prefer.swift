import BerthCore

extension Call {
    /// How many seconds the caller would wait for a change (RFC 7240, section 4.3), at most
    /// ``Limits/preferredWaitSeconds``; nil when it would not. Preferences that Berth does not know are
    /// ignored, as the RFC says.
    func preferredWait() -> Int? {
        for header in request.headers[values: .prefer] {
            for preference in header.split(separator: ",") {
                let sides = preference.split(separator: ";")[0].split(separator: "=", maxSplits: 1)
                guard sides.count == 2, sides[0].trimmingOWS().lowercased() == "wait",
                    let seconds = Int(sides[1].trimmingOWS().trimmingQuotes()), seconds > 0
                else { continue }
                return min(seconds, Limits.preferredWaitSeconds)
            }
        }
        return nil
    }
}

extension StringProtocol {
    fileprivate func trimmingQuotes() -> String {
        count >= 2 && hasPrefix("\"") && hasSuffix("\"")
            ? String(dropFirst().dropLast()) : String(self)
    }
}

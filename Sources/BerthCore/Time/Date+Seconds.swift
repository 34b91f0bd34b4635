import Foundation

extension Date {
    /// The whole second that it lies in: instants of the API have no fractions.
    public var flooredToSecond: Date {
        Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down))
    }
}

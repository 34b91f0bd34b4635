import NIOCore
import Synchronization

/// Every open connection: whose it is, and whether it waits for a request or is being answered.
///
/// When there is no place left, the one that has waited longest for a request gives its own. So sockets
/// that send nothing keep nobody out, however many there are.
final class ConnectionRegistry: Sendable {
    /// How many connections there may be.
    struct Bounds: Sendable {
        /// In all.
        var total = 4096
        /// Beyond those, when each of them is being answered: on these only health is.
        var reserve = 32
        /// From one address, or one network of IPv6; 0 for no bound. A trusted proxy has none.
        var perAddress = 256
    }

    /// What `/metrics` shows.
    struct Counts: Sendable {
        var open = 0
        var busy = 0
        /// Closed because another wanted the place.
        var displaced = 0
        /// Closed at once because nobody could give a place.
        var refused = 0
    }

    /// Sent to a connection that is to give its place, unless a request has come meanwhile.
    struct PlaceIsWanted: Sendable {}

    /// A connection's place. Those that are idle are a list, linked by number, the oldest first.
    fileprivate struct Place {
        var channel: (any Channel)?
        /// What its number is bounded by; nil for a trusted proxy, and for what has no address.
        var network: ClientAddress?
        var state = State.idle
        /// The greater, the later it became idle.
        var idleSince: UInt64 = 0
        var older: Int?
        var newer: Int?
    }

    fileprivate enum State {
        case idle, busy, leaving
    }

    fileprivate struct Table {
        var places: [Place] = []
        var free: [Int] = []
        var byNetwork: [ClientAddress: Set<Int>] = [:]
        var oldest: Int?
        var newest: Int?
        var changes: UInt64 = 0
        var leaving = 0
        var counts = Counts()
    }

    private let bounds: Bounds
    private let proxies: TrustedProxies
    private let table = Mutex(Table())

    init(bounds: Bounds = Bounds(), proxies: TrustedProxies = TrustedProxies()) {
        self.bounds = bounds
        self.proxies = proxies
    }

    var counts: Counts {
        table.withLock { $0.counts }
    }

    /// Gives a new connection a place, and says its number. Nil when there is none: then it is to be
    /// closed.
    func admit(_ channel: any Channel, from address: ClientAddress?) -> Int? {
        var network = address?.network
        if let address, bounds.perAddress == 0 || proxies.contains(address) { network = nil }
        let (place, displaced) = table.withLock { table in
            table.admit(channel, network, bounds)
        }
        displaced?.pipeline.fireUserInboundEventTriggered(PlaceIsWanted())
        return place
    }

    /// A whole head has come. Says whether any request is welcome, or only one about health.
    func began(_ place: Int) -> Bool {
        table.withLock { table in
            let isWelcome = table.counts.busy < bounds.total
            table.leaveIdle(place)
            table.places[place].state = .busy
            table.counts.busy += 1
            return isWelcome
        }
    }

    /// All that was asked is answered.
    func ended(_ place: Int) {
        table.withLock { table in
            table.counts.busy -= 1
            table.becomeIdle(place)
        }
    }

    /// The connection is closed.
    func left(_ place: Int) {
        table.withLock { $0.leave(place) }
    }
}

extension ConnectionRegistry.Table {
    fileprivate mutating func admit(
        _ channel: any Channel, _ network: ClientAddress?, _ bounds: ConnectionRegistry.Bounds
    ) -> (place: Int?, displaced: (any Channel)?) {
        var giver: Int?
        let staying = counts.open - leaving
        if let network, let own = byNetwork[network], own.count >= bounds.perAddress {
            giver = own.filter { places[$0].state == .idle }
                .min { places[$0].idleSince < places[$1].idleSince }
            guard giver != nil else { return refuse() }
        } else if staying >= bounds.total {
            giver = oldest
            guard giver != nil || staying < bounds.total + bounds.reserve else { return refuse() }
        }
        let displaced = giver.flatMap { displace($0) }
        let place = free.popLast() ?? places.count
        if place == places.count { places.append(.init()) }
        places[place].channel = channel
        places[place].network = network
        if let network { byNetwork[network, default: []].insert(place) }
        counts.open += 1
        becomeIdle(place)
        return (place, displaced)
    }

    private mutating func refuse() -> (place: Int?, displaced: (any Channel)?) {
        counts.refused += 1
        return (nil, nil)
    }

    private mutating func displace(_ place: Int) -> (any Channel)? {
        leaveIdle(place)
        if let network = places[place].network { forget(place, of: network) }
        places[place].state = .leaving
        leaving += 1
        counts.displaced += 1
        return places[place].channel
    }

    fileprivate mutating func becomeIdle(_ place: Int) {
        changes += 1
        places[place].state = .idle
        places[place].idleSince = changes
        places[place].older = newest
        places[place].newer = nil
        if let newest { places[newest].newer = place } else { oldest = place }
        newest = place
    }

    /// Takes it out of those that may have to give their place; also one that was about to, when a
    /// request came before it was closed.
    fileprivate mutating func leaveIdle(_ place: Int) {
        switch places[place].state {
        case .busy: return
        case .leaving:
            leaving -= 1
            if let network = places[place].network { byNetwork[network, default: []].insert(place) }
        case .idle:
            let (older, newer) = (places[place].older, places[place].newer)
            if let older { places[older].newer = newer } else { oldest = newer }
            if let newer { places[newer].older = older } else { newest = older }
        }
    }

    fileprivate mutating func leave(_ place: Int) {
        if places[place].state == .busy { counts.busy -= 1 }
        leaveIdle(place)
        if let network = places[place].network { forget(place, of: network) }
        places[place] = .init()
        free.append(place)
        counts.open -= 1
    }

    private mutating func forget(_ place: Int, of network: ClientAddress) {
        byNetwork[network]?.remove(place)
        if byNetwork[network]?.isEmpty == true { byNetwork[network] = nil }
    }
}

-- POST /v1/bookings, each a slot of its own: an hour on one of env-1 to env-1000, from FIRST on.
-- Arguments: TOKEN FIRST (seconds since 1970) RUN (makes the idempotency keys this run's own).
dofile("Benchmarks/report.lua")

local first, run, slot = 0, "", -1
local period = ""

function init(arguments)
    wrk.method = "POST"
    wrk.headers["Authorization"] = "Bearer " .. arguments[1]
    wrk.headers["Content-Type"] = "application/json"
    first, run = tonumber(arguments[2]), arguments[3]
end

local function time(seconds)
    return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

function request()
    slot = slot + 1
    local environment = slot % 1000
    if environment == 0 then
        local from = first + slot / 1000 * 3600
        period = string.format('"startsAt": "%s", "endsAt": "%s"', time(from), time(from + 3600))
    end
    wrk.headers["Idempotency-Key"] = run .. "-" .. slot
    return wrk.format(nil, "/v1/bookings", nil, string.format(
        '{"environments": ["env-%d"], %s, "title": "Regression 26.3", "mode": "exclusive"}',
        environment + 1, period))
end

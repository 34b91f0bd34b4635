-- POST /v1/changes, each a deployment to one of env-1 to env-1000. Argument: TOKEN.
dofile("Benchmarks/report.lua")

local number = 0

function init(arguments)
    wrk.method = "POST"
    wrk.headers["Authorization"] = "Bearer " .. arguments[1]
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    number = number + 1
    return wrk.format(nil, "/v1/changes", nil, string.format(
        '{"environment": "env-%d", "kind": "deploy", "summary": "crm %d", "component": "crm"}',
        number % 1000 + 1, number))
end

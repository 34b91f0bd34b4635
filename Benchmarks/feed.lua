-- GET of PATH with the entity tag that a client has. Arguments: TOKEN PATH TAG.
dofile("Benchmarks/report.lua")

function init(arguments)
    wrk.path = arguments[2]
    wrk.headers["Authorization"] = "Bearer " .. arguments[1]
    wrk.headers["If-None-Match"] = arguments[3]
end

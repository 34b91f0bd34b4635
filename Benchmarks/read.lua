-- GET of PATH, or, with FIRST and LAST, of PATH followed by a random number between them.
-- Arguments: TOKEN PATH [FIRST LAST].
dofile("Benchmarks/report.lua")

local path, first, last

function init(arguments)
    wrk.headers["Authorization"] = "Bearer " .. arguments[1]
    path, first, last = arguments[2], tonumber(arguments[3]), tonumber(arguments[4])
end

function request()
    return wrk.format(nil, first and path .. math.random(first, last) or path)
end

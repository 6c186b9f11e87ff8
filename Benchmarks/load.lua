-- The load of every measurement. Arguments: METHOD, a file with the body ("-": none), a file with the paths, and the seconds of
-- a part of the run ("0": the run has no parts). The paths are asked for in turn, from the top again after the last.
local requests, next_request, count, part_seconds, began, running
parts = {} -- how many requests began in each part; global for thread:get

function setup(thread)
  running = thread
end

function init(arguments)
  local method, body_file, paths_file = arguments[1], arguments[2], arguments[3]
  part_seconds, began = tonumber(arguments[4]), os.time() + 1
  local body
  if body_file ~= "-" then
    local file = assert(io.open(body_file, "rb"))
    body = file:read("*a")
    file:close()
  end
  local made = {}
  requests = {}
  for path in io.lines(paths_file) do
    if not made[path] then
      made[path] = wrk.format(method, path, { ["Content-Type"] = "application/json" }, body)
    end
    requests[#requests + 1] = made[path]
  end
  count, next_request = #requests, 0
end

function request()
  next_request = next_request % count + 1
  if part_seconds > 0 and os.time() >= began then
    local part = math.floor((os.time() - began) / part_seconds) + 1
    while #parts < part do parts[#parts + 1] = 0 end
    parts[part] = parts[part] + 1
  end
  return requests[next_request]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,"bad_status":%d,"socket_errors":%d,"timeouts":%d,"parts":[%s]}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout, table.concat(running:get("parts"), ",")))
end

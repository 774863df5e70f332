/** What Redis does in one step each, in Lua: nobody comes between the reading and the writing of one of them. */

/** Of the newest plan; 0 without one. */
const SERIAL = `
local function serialOf(id) return tonumber(string.match(id, '^%d+')) end
local function newest(plans)
  local last = redis.call('XREVRANGE', plans, '+', '-', 'COUNT', 1)
  if last[1] then return serialOf(last[1][1]) end
  return 0
end
`;

/**
 * Keys: plans. Arguments: the plan, the serial that it follows or \`any\`, its nonce, plans to keep, the channel, whether it was tried
 * before. Answers the serial; -1 where another plan came first.
 */
export const PUT = `${SERIAL}
local plans, bytes, expected, nonce, keep, channel, again = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if again == '1' then
  for _, plan in ipairs(redis.call('XREVRANGE', plans, '+', '-')) do
    if plan[2][4] == nonce then return serialOf(plan[1]) end
  end
end
local serial = newest(plans)
if expected ~= 'any' and tonumber(expected) ~= serial then return -1 end
local now = redis.call('TIME')
local id = string.format('%.0f', serial + 1)
redis.call('XADD', plans, 'MAXLEN', '=', keep, id .. '-0', 'bytes', bytes, 'nonce', nonce, 'time', now[1] .. string.format('%06d', now[2]))
redis.call('PUBLISH', channel, id)
return serial + 1
`;

/**
 * Keys: texts, their ages, plans. Arguments: hash, text, how many to keep without a look, how many at most of those that no plan names.
 * Those stay that a kept plan names, and those that were put since the oldest kept plan.
 */
export const PUT_TEXT = `${SERIAL}
local texts, ages, plans, hash, bytes, keep, most = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HSET', texts, hash, bytes)
redis.call('ZADD', ages, newest(plans), hash)
if redis.call('HLEN', texts) <= keep then return 0 end
local named, oldest = { [hash] = true }, 0
for at, plan in ipairs(redis.call('XRANGE', plans, '-', '+')) do
  if at == 1 then oldest = serialOf(plan[1]) end
  for text in string.gmatch(plan[2][2], 'sha256:(%x+)') do named[text] = true end
end
local gone = 0
local function forget(candidates)
  for _, text in ipairs(candidates) do
    if not named[text] then
      redis.call('HDEL', texts, text)
      redis.call('ZREM', ages, text)
      gone = gone + 1
    end
  end
end
forget(redis.call('ZRANGEBYSCORE', ages, '-inf', '(' .. oldest))
forget(redis.call('ZRANGE', ages, 0, -(most + 1)))
return gone
`;

/** Keys: the daemon's, the names. Arguments: presence, its age at most in ms, name, the channel. Answers the time in microseconds, as text, and what was there. */
export const ANNOUNCE = `
local now = redis.call('TIME')
local time = now[1] .. string.format('%06d', now[2])
local before = redis.call('SET', KEYS[1], time .. ' ' .. ARGV[1], 'PX', ARGV[2], 'GET')
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[4], '')
return { time, before }
`;

/** Key: the daemon's. Argument: a life. It goes if that life has said it, or nobody can read it. By GET it may not be read, but by this it may. */
export const LEAVE = `
local before = redis.call('SET', KEYS[1], '', 'KEEPTTL', 'GET')
local isRead, presence = pcall(cjson.decode, string.match(before or '', ' (.*)$') or '')
if isRead and type(presence) == 'table' and presence.life ~= ARGV[1] then
  redis.call('SET', KEYS[1], before, 'KEEPTTL')
  return 0
end
return redis.call('DEL', KEYS[1])
`;

/** Keys: the names, then one daemon's each. Arguments: their names. Those that are not there any more go. */
export const FORGET = `
for at, name in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[at + 1]) == 0 then redis.call('SREM', KEYS[1], name) end
end
return 0
`;

/** Keys: journal, its life. Arguments: batch, a life if it has none, batches at most, age at most in ms, the channel. */
export const APPEND = `
local now = redis.call('TIME')
redis.call('SET', KEYS[2], ARGV[2], 'NX')
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'batch', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', now[1] * 1000 - ARGV[4]))
redis.call('PUBLISH', ARGV[5], '')
return 0
`;

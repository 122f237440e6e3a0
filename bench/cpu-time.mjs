import { readdirSync, readFileSync } from 'node:fs'

/** Length of a tick of `/proc/PID/stat`, ms: `getconf CLK_TCK` is 100 on Linux. */
const TICK_MS = 10

/** CPU time of a process and of its children, also of those that have ended, ms; 0 without `/proc`. */
export function readCpuMs(pid) {
  const own = readStat(pid)
  if (own === undefined) return 0
  let sum = own.ms + own.endedMs
  for (const name of readdirSync('/proc')) {
    const other = /^\d+$/.test(name) ? readStat(Number(name)) : undefined
    if (other?.parent === pid) sum += other.ms
  }
  return sum
}

function readStat(pid) {
  let text
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // It has ended, or this is not Linux.
    return undefined
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number)
  return { parent: Number(fields[1]), ms: (user + system) * TICK_MS, endedMs: (endedUser + endedSystem) * TICK_MS }
}

import { afterAll, beforeAll, expect } from 'vitest'

/** What takes so long will not come, ms. */
export const DEADLINE_MS = 5000

/** Polls: when the system has closed a socket is told by no event that a test could wait for. */
export async function eventually(what: string, read: () => number | Promise<number>, expected: number): Promise<void> {
  const until = Date.now() + DEADLINE_MS
  let found = await read()
  while (found !== expected && Date.now() < until) {
    await new Promise(resolve => setTimeout(resolve, 5))
    found = await read()
  }
  expect(found, what).toBe(expected)
}

/** For the top of a file: the sockets, servers and timers of the process are after its tests as many as before them. */
export function leavesNoHandles(): void {
  let before: ReturnType<typeof countHandles>
  beforeAll(() => {
    before = countHandles()
  })
  afterAll(async () => {
    const until = Date.now() + DEADLINE_MS
    while (hasMore(countHandles(), before) && Date.now() < until) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    const after = countHandles()
    // Fewer are no leak: the runner has timers of its own.
    expect(hasMore(after, before) ? after : before).toEqual(before)
  })
}

type Handles = Readonly<Record<'TCPSocketWrap' | 'TCPServerWrap' | 'TCPConnectWrap' | 'Timeout', number>>

/** What keeps the process alive, of the kinds that a server or a client makes. */
function countHandles(): Handles {
  const counts = { TCPSocketWrap: 0, TCPServerWrap: 0, TCPConnectWrap: 0, Timeout: 0 }
  for (const kind of process.getActiveResourcesInfo()) if (Object.hasOwn(counts, kind)) counts[kind as 'Timeout'] += 1
  return counts
}

function hasMore(handles: Handles, before: Handles): boolean {
  return Object.entries(handles).some(([kind, count]) => count > before[kind as keyof Handles])
}

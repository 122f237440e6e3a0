// What every server under test serves. Uses nothing of any platform but timers.

/** The executions in which a `wait` was aborted. */
const aborted = []

/** Resolves to `ms` after so long; stops when aborted, and notes it. */
function wait({ ms }, { signal, executionId }) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(ms), ms)
    signal.addEventListener('abort', () => {
      aborted.push(executionId)
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

/** Emits so many bytes as tokens, some in each turn, once readers have had `delayMs` to attach. */
async function flood({ bytes, delayMs }, { emitToken }) {
  const text = 'x'.repeat(8000)
  await pause(delayMs)
  for (let sent = 0; sent < bytes; sent += text.length) {
    emitToken(text)
    if (sent % (text.length * 16) === 0) await pause(0)
  }
  return bytes
}

function pause(ms) {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Shorter than the defaults, so that the suite need not wait for them; the heartbeat is the default. */
export const options = {
  tools: { wait, flood, aborted: () => aborted },
  onDisconnect: { graceMs: 500 },
  stallTimeoutMs: 2000,
}

/** For the way that holds no executions: what it waits for is asked for by the request. */
export const workflow = {
  tasks: [
    { id: 'aborted', tool: 'aborted' },
    { id: 'fast', tool: 'wait', arguments: { ms: 100 } },
    { id: 'slow', tool: 'wait', arguments: { ms: '$INPUT.ms' } },
  ],
}

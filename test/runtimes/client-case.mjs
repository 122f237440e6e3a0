// The client on a platform, against the server on Node.
import assert from 'node:assert/strict'
import { startCuttingProxy } from './cutting-proxy.mjs'

export async function checkClient(platform, addresses, serverUrl) {
  const proxy = await startCuttingProxy(serverUrl, 'event: task_complete', 2)
  try {
    const { stream, batch, resumed, cancelled, planned } = await platform.exerciseClient(
      addresses,
      serverUrl,
      proxy.url,
    )

    assert.equal(stream.status, 'success')
    const at = Object.fromEntries(
      stream.events.filter(({ type }) => type === 'task_complete').map(({ taskId, at }) => [taskId, at]),
    )
    assert.ok(at.slow - at.fast > 600, `the fast one came ${at.slow - at.fast} ms before the slow one`)

    assert.equal(batch.status, 'success')
    assert.equal(batch.results[0].output, 50)

    assert.equal(proxy.cutCount, 2)
    assert.equal(resumed.status, 'success')
    assert.deepEqual(
      resumed.events.map(({ id }) => id),
      Array.from({ length: 8 }, (_, at) => `${resumed.executionId}.${at + 1}`),
    )

    assert.deepEqual(cancelled, { status: 'cancelled', cancelledCount: 1 })

    assert.deepEqual(planned, { status: 'success', successCount: 2 })
  } finally {
    proxy.close()
  }
}

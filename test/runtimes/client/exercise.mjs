// What the client must do, wherever it runs. Uses nothing of any platform.
import { createClient } from 'dagstream/client'

const wait = (id, ms, dependsOn = []) => ({ id, tool: 'wait', arguments: { ms }, dependsOn })

/**
 * Goes through the client's ways against a server. @returns what came of each, for the suite to judge
 * @param url the server
 * @param cutUrl the same, through a proxy that cuts connections
 */
export async function exerciseClient(url, cutUrl) {
  const client = createClient({ url, reconnection: { initialDelayMs: 50, jitter: 0 } })
  const cut = createClient({ url: cutUrl, reconnection: { initialDelayMs: 50, jitter: 0 } })
  const [stream, batch, resumed, cancelled, planned] = await Promise.all([
    follow(client, { tasks: [wait('fast', 100), wait('slow', 1000)] }),
    client.execute({ tasks: [wait('only', 50)] }).then(({ status, results }) => ({ status, results })),
    follow(cut, { tasks: [wait('a', 50), wait('b', 300, ['a']), wait('c', 300, ['b'])] }),
    cancel(client),
    plan(client),
  ])
  return { stream, batch, resumed, cancelled, planned }
}

async function follow(client, workflow) {
  const execution = client.stream(workflow)
  const events = []
  for await (const { type, taskId, id } of flatten(execution)) events.push({ type, taskId, id, at: Date.now() })
  const { status, successCount } = await execution.result
  return { events, status, successCount, executionId: await execution.executionId }
}

async function* flatten(execution) {
  for await (const event of execution) yield { type: event.type, id: event.id, taskId: event.data?.taskId }
}

async function cancel(client) {
  const execution = client.stream({ tasks: [wait('endless', 25_000)] })
  for await (const { type } of execution) if (type === 'task_start') break
  await execution.cancel()
  const { status, cancelledCount } = await execution.result
  return { status, cancelledCount }
}

/** Writes the second line only once the task of the first one has run. */
async function plan(client) {
  let release
  const hasRun = new Promise(resolve => (release = resolve))
  async function* source() {
    yield `${JSON.stringify(wait('first', 10))}\n`
    await hasRun
    yield `${JSON.stringify(wait('second', 10, ['first']))}\n`
  }
  const execution = client.streamPlan(source(), { eager: 'all' })
  for await (const { type, data } of execution) if (type === 'task_complete' && data.taskId === 'first') release()
  const { status, successCount } = await execution.result
  return { status, successCount }
}

import { stringifyJson } from '../../json/stringify-json.ts'
import { describeFailure, describeIssue, readIssues } from '../api/failure.ts'
import { request } from '../api/server.ts'
import { go } from '../route.ts'
import { announce, showFailure } from '../shell/notices.tsx'

/** Sends a command; a failure is shown. @returns whether it was accepted */
async function command(told: string, send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send()
    showFailure(undefined)
    announce(told)
    return true
  } catch (error) {
    // The detail of a refusal is its first problem.
    showFailure(readIssues(error).map(describeIssue).join('\n') || describeFailure(error))
    return false
  }
}

/** Cancels an execution; a second time ends its `finally` tasks. */
export async function cancel(executionId: string): Promise<void> {
  await command('Cancelling', () =>
    request(`executions/${executionId}/cancel`, { method: 'POST', headers: { 'Idempotency-Key': createKey() } }),
  )
}

/** Resumes an execution that is parked or unfinished. */
export function resume(executionId: string): Promise<boolean> {
  return command('Resuming', () => request(`executions/${executionId}/resume`, { method: 'POST' }))
}

/** Removes a task that has not started. */
export function remove(executionId: string, taskId: string): Promise<boolean> {
  return patch(executionId, stringifyJson({ remove: [taskId] }))
}

/** Changes the tasks that have not started. @param body a patch, JSON */
export function patch(executionId: string, body: string): Promise<boolean> {
  return command('Changed', () => request(`executions/${executionId}/plan`, { method: 'POST', body }))
}

/** Starts a fork and goes there. @param from ids of tasks that run again, with all that depend on them */
export async function forkFrom(executionId: string, from: readonly string[]): Promise<void> {
  await command('Started', async () => {
    const started = await start(`executions/${executionId}/fork`, stringifyJson({ from }))
    go({ view: 'execution', executionId: started, tab: 'timeline' })
  })
}

/** Starts an execution that nobody has to follow. @returns its id. @throws as `request` */
export async function start(path: string, body: string): Promise<string> {
  const headers = { Prefer: 'respond-async', 'Idempotency-Key': createKey() }
  const answer = await request(path, { method: 'POST', body, headers })
  return (JSON.parse(answer) as { readonly executionId: string }).executionId
}

/** 128 random bits: a request that the browser repeats is the same request. */
function createKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}

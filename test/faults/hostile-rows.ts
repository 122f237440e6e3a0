import { expect } from 'vitest'
import type { FaultRig } from './fault-rig.ts'
import { requestText, sendRaw } from './raw-connection.ts'

/** A request, each character one byte, and the status of its answer; `undefined` where the connection is just closed. */
export type Row = readonly [name: string, status: number | undefined, request: string]

export const WORKFLOW = '{"tasks":[{"id":"a","tool":"work"}]}'

/** A header line that must not come out of anything. */
export const INJECTED = '\r\nX-Injected: yes'

/** UTF-8 as the bytes that it is. */
export const UTF8 = Buffer.from('é☃😀').toString('latin1')
export const LONG = 'x'.repeat(8000)
/** Beyond what a server reads of all headers together. */
export const HUGE = 'x'.repeat(70_000)

/** A request whose head is given whole. */
export const withHead = (head: readonly string[], body = ''): string => `${head.join('\r\n')}\r\n\r\n${body}`

/** One row for each value of one header. */
export function headerRows(
  name: string,
  values: Readonly<Record<string, readonly [status: number, value: string]>>,
  toRequest: (headers: Record<string, string>) => string,
): Row[] {
  return Object.entries(values).map(([what, [status, value]]) => [
    `${name}: ${what}`,
    status,
    toRequest({ [name]: value }),
  ])
}

/** A request for an execution. */
export function post(headers: Readonly<Record<string, string>>): string {
  return requestText('POST', '/executions', { 'Content-Type': 'application/json', ...headers }, WORKFLOW)
}

/**
 * Sends each and checks the answer: well formed, of that status, a problem that says the same; nothing injected, nothing of
 * the inside told, and the server goes on serving.
 */
export async function expectAnswers(rig: FaultRig, rows: readonly Row[]): Promise<void> {
  const found: [string, number | undefined][] = []
  for (const [name, , request] of rows) {
    const answer = await sendRaw(rig.port, request, request.startsWith('HEAD '))
    found.push([name, answer.status])
    if (answer.status === undefined) continue
    const text = answer.body.toString()
    expect([name, answer.isComplete, answer.headers.has('x-injected')]).toEqual([name, true, false])
    expect(text, name).not.toMatch(/\bat .*\.(?:ts|js|mjs):\d|node_modules|file:\/\//)
    if (answer.headers.get('content-type') !== 'application/problem+json') continue
    expect([name, JSON.parse(text)]).toMatchObject([
      name,
      { status: answer.status, title: expect.anything() as unknown },
    ])
  }
  expect(found).toEqual(rows.map(([name, status]) => [name, status]))
  const health = await sendRaw(rig.port, requestText('GET', '/healthz'))
  expect([health.status, health.body.toString()]).toEqual([200, '{"status":"ok"}'])
  expect(rig.log).toEqual([])
}

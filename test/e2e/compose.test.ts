import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createEmptyDatabase, isPostgresMissing } from '../support/postgres.ts'
import { end, expectBuild, root, start } from './program.ts'

// The commands of compose.yaml, without Docker.

const text = readFileSync(join(root, 'compose.yaml'), 'utf8')

/** The command whose first word it is. */
function findCommand(word: string): string[] {
  const lines = [...text.matchAll(/command: (\[.*\])/g)].map(match => JSON.parse(match[1] as string) as string[])
  return lines.find(words => words[0] === word) as string[]
}

const token = 'a-token-for-this-check'

/** Starts a process and waits for what it prints. */
async function startUntil(words: readonly string[], printed: RegExp): Promise<[ChildProcess, RegExpExecArray]> {
  const child = start(words, '', { DAGSTREAM_TOKEN: token })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr?.setEncoding('utf8')
  for (;;) {
    const [piece] = (await once(child.stderr as NonNullable<ChildProcess['stderr']>, 'data')) as [string]
    const match = printed.exec((errors += piece))
    if (match !== null) return [child, match]
  }
}

describe.skipIf(isPostgresMissing)('compose.yaml', () => {
  test('its commands migrate, serve twice and work; an execution of one server is read at the other', async () => {
    expectBuild()
    const url = await createEmptyDatabase()
    const place = (words: readonly string[]): string[] =>
      words.map(word => word.replace('postgres://postgres@database/postgres', url))
    const migrated = await end(start(place(findCommand('store'))))
    expect(migrated.code).toBe(0)
    const serve = [...place(findCommand('serve')), '--port', '0']
    const servers = await Promise.all([1, 2].map(() => startUntil(serve, /listens on \S+:(\d+)\n/)))
    const [worker] = await startUntil(place(findCommand('worker')), /worker started/)
    const [first, second] = servers.map(([, match]) => `http://127.0.0.1:${match[1]}/executions`)
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' }
    const response = await fetch(first as string, {
      method: 'POST',
      headers,
      body: readFileSync(join(root, 'fixtures/hello.json')),
    })
    const { executionId, status } = (await response.json()) as { executionId: string; status: string }
    expect(status).toBe('success')
    const read = await fetch(`${second}/${executionId}`, { headers })
    expect(await read.json()).toMatchObject({ executionId, status: 'success' })
    const children = [worker, ...servers.map(([child]) => child)]
    const codes = children.map(async child => {
      const exited = once(child, 'exit') as Promise<[number]>
      child.kill('SIGTERM')
      return (await exited)[0]
    })
    expect(await Promise.all(codes)).toEqual([0, 0, 0])
  })

  test('all of its processes name the same database', () => {
    const urls = new Set([...text.matchAll(/postgres:\/\/[^"]+/g)].map(match => match[0]))
    expect([...urls]).toEqual(['postgres://postgres@database/postgres'])
  })
})

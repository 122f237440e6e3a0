import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, execute, isPostgresMissing } from '../support/postgres.ts'
import { end, expectBuild, start } from './program.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A program whose output is kept. */
interface Program {
  readonly child: ChildProcess
  readonly output: () => string
  readonly until: (pattern: RegExp) => Promise<string>
}

function begin(argv: readonly string[], env: Record<string, string> = {}): Program {
  const child = start(argv, '', env)
  children.push(child)
  let text = ''
  let look = (): void => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      look()
    })
  }
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      look = () => {
        const found = pattern.exec(text)
        if (found !== null) resolve(found[1] ?? found[0])
      }
      child.once('close', () => reject(new Error(`Ended before ${String(pattern)}: ${text}`)))
      look()
    })
  return { child, output: () => text, until }
}

describe.skipIf(isPostgresMissing)('with a password in the URL', () => {
  let url: string
  beforeAll(async () => {
    expectBuild()
    url = (await createDatabase()).replace('postgres@', 'postgres:hidden-word@')
  }, 60_000)

  test('the password of a URL is in no output, log, answer or list of processes', async () => {
    const flags = ['--store', url, '--log-level', 'debug']
    const server = begin(['serve', '--port', '0', ...flags])
    const tools = new URL('worker-tools.mjs', import.meta.url).pathname
    const worker = begin(['worker', '--tools', tools, ...flags])
    const address = await server.until(/listens on (\S+)/)
    await worker.until(/works for/)
    for (const { child } of [server, worker]) {
      const file = `/proc/${child.pid}/cmdline`
      if (existsSync(file))
        expect(readFileSync(file, 'latin1')).toMatch(/^dagstream (?:serve|worker) (?!.*hidden-word)/s)
    }
    const texts: string[] = []
    for (const path of ['/workers', '/healthz', '/metrics', '/executions']) {
      texts.push(await (await fetch(`${address}${path}`)).text())
    }
    // An outage and its end are logged.
    await execute(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dagstream'`)
    await (await fetch(`${address}/executions`)).text()
    const rows = await execute(url, 'SELECT * FROM dagstream.members')
    const missing = await end(start(['serve', '--store', url.replace(/\/[^/]+$/, '/missing'), '--port', '0']))
    const refused = await end(start(['executions', 'list', '--store', url.replace(/:\d+\//, ':1/')]))
    const malformed = await end(start(['store', 'check', 'postgres://u:hidden-word%zz@[/x']))
    expect([missing.code, refused.code, malformed.code]).not.toContain(0)
    texts.push(JSON.stringify([rows, missing, refused, malformed]), server.output(), worker.output())
    expect(texts.join('\n')).not.toContain('hidden-word')
  })

  test('it may be in the environment instead', async () => {
    const { code, stderr } = await end(
      start(['store', 'check', url.replace(':hidden-word', '')], '', { PGPASSWORD: 'any' }),
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('is ready')])
  })
})

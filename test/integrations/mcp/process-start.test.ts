import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import crossSpawn from 'cross-spawn'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { ProcessTransport } from '../../../src/integrations/mcp/transport/process-transport.ts'

vi.mock('cross-spawn', { spy: true })

const folder = mkdtempSync(join(tmpdir(), 'dagstream-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => void vi.mocked(crossSpawn).mockClear())

/** Starts a server and waits for its end. */
async function start(command: string, args: readonly string[] = [], cwd?: string) {
  const seen = { reason: '', lines: [] as string[], errors: [] as Error[] }
  const transport = new ProcessTransport(
    { kind: 'process', command, args, env: {}, ...(cwd !== undefined && { cwd }) },
    systemClock,
    { onStderr: line => void seen.lines.push(line), onEnded: reason => (seen.reason = reason) },
  )
  const closed = new Promise<void>(resolve => {
    Object.assign(transport, { onerror: (error: Error) => seen.errors.push(error), onclose: resolve })
  })
  await transport.start()
  await closed
  return seen
}

/** The message and the fields of an error of the system. */
const fieldsOf = (error: unknown): object => Object.assign({ message: (error as Error).message }, error)

describe('a program that cannot be started fails like one of `spawn`:', () => {
  test.each([
    ['it is not there', 'no-such-program-here', undefined, 'ENOENT'],
    ['its folder is not there', process.execPath, '/no/such/folder', 'ENOENT'],
    ['it is no program', join(folder, 'text'), undefined, 'EACCES'],
  ])('%s', async (_, command, cwd, code) => {
    writeFileSync(join(folder, 'text'), 'text')
    const [expected] = (await once(spawn(command, ['a'], cwd === undefined ? {} : { cwd }), 'error')) as [Error]
    const error: unknown = await start(command, ['a'], cwd).catch((reason: unknown) => reason)
    expect(fieldsOf(error)).toEqual(fieldsOf(expected))
    expect(error).toMatchObject({ code })
  })
})

test.each([
  ['process.exit(0)', 'exited with code 0'],
  ['process.exit(7)', 'exited with code 7'],
  ['process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)', 'was ended by SIGKILL'],
])('a server that ends by %s is reported to have %s', async (script, reason) => {
  expect(await start(process.execPath, ['-e', script])).toEqual({ reason, lines: [], errors: [] })
})

test('arguments arrive as they are, and a script with a #! line is a program', async () => {
  const script = join(folder, 'a script')
  writeFileSync(script, `#!${process.execPath}\nconsole.error(JSON.stringify(process.argv.slice(2)))`)
  chmodSync(script, 0o755)
  const args = ['a b', '"', '%PATH%', '$HOME', '', '\\', '&', 'ü']
  expect((await start(script, args)).lines).toEqual([JSON.stringify(args)])
})

test('a shell that has not found the program, as on Windows, is a program that was not found', async () => {
  // What `cross-spawn` does there: the shell exits with 1, of which it makes an error in the place of the exit.
  vi.mocked(crossSpawn).mockImplementationOnce((_, __, options) => {
    const shell = spawn(process.execPath, ['-e', 'console.error("not recognized"); process.exit(1)'], options ?? {})
    const emit = shell.emit.bind(shell) as (name: string, ...values: unknown[]) => boolean
    shell.emit = (name: string, ...values: unknown[]) =>
      name === 'exit'
        ? emit('error', Object.assign(new Error('spawn x ENOENT'), { code: 'ENOENT' }))
        : emit(name, ...values)
    return shell
  })
  const before = process.listenerCount('exit')
  expect(await start('x')).toEqual({ reason: 'was not found', lines: ['not recognized'], errors: [] })
  expect(process.listenerCount('exit')).toBe(before)
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { chat, chatProcess, saySix, startModel } from './chat-rig.ts'
import type { FakeProcess } from './fake-process.ts'

test('--omit and --extra change the request', async () => {
  const { env, bodies } = await startModel(saySix)
  const flags = ['--omit', 'stream_options', '--omit', 'model', '--extra', '{"top_p":0.5}']
  expect(await chat(env, 'hi', ...flags)).toMatchObject({ code: 0, stdout: 'Six.\n' })
  expect(bodies).toEqual([{ top_p: 0.5, messages: [{ role: 'user', content: 'hi' }], stream: true }])
})

test.each([
  ['--omit', 'messages'],
  ['--omit', ''],
  ['--extra', '[1]'],
  ['--extra', 'x'],
])('%s %s is refused', async (flag, value) => {
  const { env, bodies } = await startModel(saySix)
  expect((await chat(env, 'hi', flag, value)).code).toBe(2)
  expect(bodies).toEqual([])
})

test('a field that the endpoint refuses is reported, and the answer comes without it', async () => {
  const { env, bodies } = await startModel(call => {
    if (bodies.length > 1) return saySix(call)
    call.response.writeHead(400, { 'content-type': 'application/json' })
    call.response.end(JSON.stringify({ error: { message: 'Unrecognized request argument supplied: stream_options' } }))
  })
  const { code, stdout, stderr } = await chat(env, 'hi')
  expect([code, stdout, bodies.length]).toEqual([0, 'Six.\n', 2])
  expect(stderr).toContain('The endpoint refused a part of the request: sent again without `stream_options`')
})

test('the section `llm` of the configuration holds for every request', async () => {
  const { env, bodies } = await startModel(saySix)
  const cwd = mkdtempSync(join(tmpdir(), 'dagstream-llm-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  const run = async (config: unknown, process: FakeProcess): Promise<number> => {
    writeFileSync(join(cwd, 'dagstream.config.json'), JSON.stringify(config))
    return runCli(Object.assign(process, { cwd }))
  }
  expect(await run({ llm: { omit: ['stream_options'], extra: { seed: 7 } } }, chatProcess(env, 'hi'))).toBe(0)
  expect(bodies).toMatchObject([{ seed: 7 }])
  expect(bodies[0]).not.toHaveProperty('stream_options')
  for (const llm of [{ omit: ['stream'] }, { extra: 1 }, { key: 'x' }, []]) {
    const process = chatProcess(env, 'hi')
    expect(await run({ llm }, process)).toBe(2)
    expect(process.stderr.text).toContain('`dagstream.config.json`')
  }
})

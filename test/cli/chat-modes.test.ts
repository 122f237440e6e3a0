import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { chat, chatProcess, folderWith, saySix, startModel } from './chat-rig.ts'

test.each(['code', 'ask', 'debug'])('the mode %s needs no file', async mode => {
  const model = await startModel(saySix)
  expect((await chat(model.env, 'hi', '--mode', mode)).code).toBe(0)
  expect(model.bodies[0]).toMatchObject({
    temperature: expect.any(Number),
    messages: [
      { role: 'system', content: expect.any(String) },
      { role: 'user', content: 'hi' },
    ],
  })
})

test('without --mode nothing is added to the prompt', async () => {
  const model = await startModel(saySix)
  await chat(model.env, 'hi')
  expect([model.bodies[0]?.['temperature'], model.bodies[0]?.['messages']]).toEqual([
    undefined,
    [{ role: 'user', content: 'hi' }],
  ])
})

/** Runs `chat` where this configuration lies. */
async function chatIn(
  config: unknown,
  ...argv: string[]
): Promise<{ code: number; stderr: string; bodies: unknown[] }> {
  const model = await startModel(saySix)
  const process = Object.assign(chatProcess(model.env, 'hi', ...argv), { cwd: folderWith(config) })
  const code = await runCli(process)
  return { code, stderr: process.stderr.text, bodies: model.bodies }
}

test('a mode of the file takes the whole place of the one that is shipped, and --model comes before its model', async () => {
  const config = { mcpServers: {}, modes: { code: { system: 'Be $INPUT.', model: 'tiny' }, mine: { system: '' } } }
  const { bodies } = await chatIn(config, '--mode', 'code')
  expect(bodies[0]).toMatchObject({ model: 'tiny', messages: [{ role: 'system', content: 'Be $INPUT.' }, {}] })
  expect(bodies[0]).not.toHaveProperty('temperature')
  expect((await chatIn(config, '--mode', 'code', '--model', 'big')).bodies[0]).toMatchObject({ model: 'big' })
  expect((await chatIn(config, '--mode', 'mine')).code).toBe(0)
  expect((await chatIn(config, '--mode', 'ask')).code).toBe(0)
})

test.each([
  [{}, 'poet', 'Expected --mode to be one of code, ask, debug; got `"poet"` (string)'],
  [{ modes: { mine: { system: 'x' } } }, 'poet', 'Expected --mode to be one of code, ask, debug, mine; got'],
  [{}, 'constructor', 'Expected --mode to be one of'],
  [[], 'code', 'Expected `dagstream.config.json` to be an object'],
  [{ modes: [] }, 'code', 'Expected /modes of dagstream.config.json to be an object, got'],
  [
    { modes: { x: { system: 1 } } },
    'code',
    'Expected /modes/x/system of dagstream.config.json to be a string, got `1`',
  ],
  [{ modes: { x: { system: '', temperature: -1 } } }, 'code', '/modes/x/temperature of dagstream.config.json to be a'],
  [{ modes: { x: { system: '', model: '' } } }, 'code', '/modes/x/model of dagstream.config.json to be the name of'],
  [{ modes: { x: { system: '', temp: 1 } } }, 'code', 'Expected /modes/x/temp of dagstream.config.json to be absent'],
  [{ mode: {} }, 'code', 'There is no field `mode` of `dagstream.config.json`; known are mcpServers, http, llm, modes'],
  ['{"modes":', 'code', '`dagstream.config.json` is not valid JSON at line 1'],
])('%j with --mode %s is refused before anything is sent', async (config, mode, message) => {
  const { code, stderr, bodies } = await chatIn(config, '--mode', mode)
  expect([code, bodies]).toEqual([2, []])
  expect(stderr).toContain(message)
})

test('an unknown field of the configuration is refused without --mode too', async () => {
  const { code, stderr, bodies } = await chatIn({ mode: {} })
  expect([code, bodies, stderr]).toEqual([2, [], expect.stringContaining('There is no field `mode`')])
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder, runIn } from './store-rig.ts'

const WORKFLOW = {
  name: 'pair',
  tasks: [
    { id: 'a', tool: 'work', arguments: {} },
    { id: 'b', tool: 'work', arguments: {}, dependsOn: ['a'] },
  ],
}

function makeCase(): string {
  const cwd = makeFolder()
  writeFileSync(join(cwd, 'tools.mjs'), 'export default { work: () => 1, other: () => 2 }')
  writeFileSync(join(cwd, 'w.json'), JSON.stringify(WORKFLOW))
  return cwd
}

test('validate --forecast reads the history of a store', async () => {
  const cwd = makeCase()
  expect((await runIn(cwd, 'run w.json --tools ./tools.mjs --store s.db --json')).code).toBe(0)
  const { code, stdout } = await runIn(cwd, 'validate w.json --tools ./tools.mjs --forecast --store s.db --json')
  expect(code).toBe(0)
  const { forecast, ...report } = JSON.parse(stdout) as { readonly forecast: object }
  expect(report).toEqual({ valid: true, issues: [], issueCount: 0 })
  expect(forecast).toMatchObject({
    criticalPath: ['a', 'b'],
    unknown: [],
    tools: { work: { count: 2, p50Ms: expect.any(Number), p90Ms: expect.any(Number) } },
  })
  const shown = await runIn(cwd, 'validate w.json --tools ./tools.mjs --forecast --store s.db')
  expect(shown.stdout).toMatch(/^Makespan: .* by layers, .* by dataflow\nCritical path: .*, a → b\n/)
  expect(shown.stdout).toMatch(/ {2}work {2}p50 .*, p90 .* of 2 calls\n$/)
})

test('a forecast names tools without history', async () => {
  const cwd = makeCase()
  await runIn(cwd, 'run w.json --tools ./tools.mjs --store s.db --json')
  writeFileSync(join(cwd, 'x.json'), JSON.stringify({ tasks: [{ id: 'x', tool: 'other', arguments: {} }] }))
  const { stdout } = await runIn(cwd, 'validate x.json --tools ./tools.mjs --forecast --store s.db')
  expect(stdout).toBe('Makespan: unknown by layers, unknown by dataflow\nNo history of: other\n')
})

test('an invalid workflow has no forecast', async () => {
  const cwd = makeCase()
  await runIn(cwd, 'run w.json --tools ./tools.mjs --store s.db --json')
  writeFileSync(join(cwd, 'x.json'), JSON.stringify({ tasks: [], more: 1 }))
  const { code, stdout } = await runIn(cwd, 'validate x.json --tools ./tools.mjs --forecast --store s.db --json')
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).not.toHaveProperty('forecast')
})

test('a store without --forecast, and a forecast without a store, are refused', async () => {
  const cwd = makeCase()
  const unused = await runIn(cwd, 'validate w.json --tools ./tools.mjs --store s.db')
  expect(unused).toMatchObject({ code: 2, stderr: expect.stringContaining('Expected --forecast with --store') })
  const missing = await runIn(cwd, 'validate w.json --tools ./tools.mjs --forecast')
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('Expected --store') })
})

import { expect, test } from 'vitest'
import type { Tool } from '../../src/index.ts'
import type { LLMProvider } from '../../src/integrations/llm/provider.ts'
import { createPlanTool } from '../../src/integrations/llm/plan/plan-tool.ts'
import { HeldModel, line } from '../integrations/llm/plan/planner-rig.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { SharedRig } from '../support/shared/shared-rig.ts'

const DOCUMENT = { tasks: [{ id: 'p', tool: 'llm:plan', arguments: { prompt: 'Do it' } }] }

/** Each call is answered by the next model: one that a killed process still reads takes nothing from those behind it. */
function inTurn(...models: readonly LLMProvider[]): LLMProvider {
  const left = models.values()
  const next = (): LLMProvider => left.next().value as LLMProvider
  return {
    generate: (input, params) => next().generate(input, params),
    generateStream: (input, params) => next().generateStream(input, params),
  }
}

test('a planner runs with its coordinator, its tasks on workers; the next coordinator goes on behind them', async () => {
  const [before, after] = [new HeldModel(), new HeldModel()]
  const tool = new ControlledTool()
  const planner = createPlanTool(inTurn(before, after)) as unknown as Tool
  const rig = new SharedRig({ 'llm:plan': planner, read: { readOnly: true, execute: tool.execute } })
  await rig.addWorker()
  const first = await rig.start(DOCUMENT)
  before.write(line('a', 'read'))
  const a = await tool.nextCall('p/a')
  expect(Array.from(rig.store.tables.orders.keys()).join()).not.toContain('plan')
  first.kill()
  a.succeed(1)
  const second = await rig.takeOver()
  const [, user] = (await after.asked(1)) as unknown as { content: string }[]
  expect(user?.content).toContain('"id":"a"')
  after.write(line('b', 'read', { arguments: { got: '$OUTPUT[a]' } }), '{"seal":true}')
  after.end()
  const b = await tool.nextCall('p/b')
  expect(b.args).toEqual({ got: 1 })
  b.succeed(2)
  await second?.loop.ended
  expect(await second?.loop.result).toMatchObject({ status: 'success', results: [{ output: { a: 1, b: 2 } }] })
  expect(tool.started).toEqual(['p/a', 'p/b'])
  expect(rig.store.tables.orders.size).toBe(0)
})

test('a coordinator that hands off interrupts its planner', async () => {
  const model = new HeldModel()
  const planner = createPlanTool(model) as unknown as Tool
  const rig = new SharedRig({ 'llm:plan': planner, read: { readOnly: true, execute: () => 1 } })
  await rig.addWorker()
  const first = await rig.start(DOCUMENT)
  await model.asked(1)
  first.loop.handOff()
  await expect(first.loop.ended).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  const second = await rig.takeOver()
  await model.asked(2)
  model.write(line('a', 'read'))
  model.end()
  await second?.loop.ended
  expect(await second?.loop.result).toMatchObject({ results: [{ output: { a: 1 }, tasks: [{ attempts: 2 }, {}] }] })
})

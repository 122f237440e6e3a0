import { expect, test } from 'vitest'
import { computeArrivals, computeEager, listPlans, toPlan } from '../../bench/eager-plans.mjs'
import { compileWorkflow } from '../../src/index.ts'

const call = (id: string, args: unknown, ...dependsOn: string[]) => ({ id, tool: 'call', arguments: args, dependsOn })

test('a recorded plan becomes lines in the notation of dagstream, each behind those that it depends on', () => {
  const tasks = [
    call('2', { n: '$1 and ${1}', of: '$3' }, '1', '4'),
    call('1', { q: 'x' }),
    call('4', { list: ['$1'] }, '1'),
  ]
  const plan = toPlan('p', 'f', tasks, /\$\{?(\d+)\}?()/g)
  expect(plan?.lines.map(({ line }) => JSON.parse(line))).toEqual([
    { id: '1', tool: 'call', arguments: { q: 'x' } },
    { id: '4', tool: 'call', arguments: { list: ['$OUTPUT[1]'] } },
    { id: '2', tool: 'call', arguments: { n: '$OUTPUT[1] and $OUTPUT[1]', of: '3' }, dependsOn: ['4'] },
  ])
  expect(toPlan('p', 'f', [call('a', {}, 'b'), call('b', {}, 'a')], undefined)).toBeUndefined()
})

test('outputs hold the fields that other tasks read', () => {
  const tasks = [call('var1', {}), call('var2', { a: '$var1.stats.new cases$', b: '$var1.list[0].id$' }, 'var1')]
  const plan = toPlan('p', 'f', tasks, /\$(var\w*?)((?:\.[^$"]+)?)\$/g)
  expect(JSON.parse(plan?.lines[1]?.line ?? '').arguments).toEqual({
    a: '$OUTPUT[var1].stats["new cases"]',
    b: '$OUTPUT[var1].list[0].id',
  })
  expect(plan?.outputs).toEqual({ var1: { stats: { 'new cases': 'value' }, list: [{ id: 'value' }] }, var2: {} })
})

test('an eager task starts once its line has come and its dependencies have ended', () => {
  const plan = toPlan('p', 'f', [call('a', {}), call('b', {}), call('c', {}, 'a')], undefined)
  if (plan === undefined) throw new Error('Expected a plan')
  const perLine = plan.lines.map((line, at) => ({ ...line, tokens: [10, 10, 20][at] as number }))
  const given = { ...plan, lines: perLine }
  expect(computeArrivals(given, 10)).toEqual([1000, 2000, 4000])
  expect(computeEager(given, 10, 500)).toEqual({ writtenMs: 4000, waitMs: 5000, eagerMs: 4500 })
  expect(computeEager(given, 10, 5000)).toEqual({ writtenMs: 4000, waitMs: 14_000, eagerMs: 11_000 })
})

test('all plans pass the checks of a workflow', () => {
  const plans = listPlans(1)
  expect(plans.length).toBeGreaterThan(30)
  for (const { lines } of plans) {
    const names = [...new Set(lines.map(({ tool }) => tool))]
    const tools = names.map(name => ({ name, execute: () => 1 }))
    const { tasks } = compileWorkflow({ tasks: lines.map(({ line }) => JSON.parse(line)) }, tools)
    expect(tasks.length).toBe(lines.length)
  }
})

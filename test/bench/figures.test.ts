import { expect, test } from 'vitest'
import { type Figure, formatFigures, isMet } from '../../bench/figures.mjs'

const figure = (measured: number): Figure => ({ name: 'cost', unit: '×', measured, target: 0.5 })

test('a figure is met at its target and below, missed above it and where nothing was measured', () => {
  expect([0.4, 0.5, 0.501, Number.NaN].map(measured => isMet(figure(measured)))).toEqual([true, true, false, false])
})

test('figures are reported as a Markdown table', () => {
  expect(formatFigures([figure(0.4567)])).toBe(
    [
      '| figure |   target | measured | met |',
      '| ------ | -------: | -------: | --: |',
      '| cost   | ≤ 0.50 × |  0.457 × | yes |',
    ].join('\n'),
  )
})

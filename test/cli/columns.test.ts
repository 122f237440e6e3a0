import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { countColumns, fitColumns, hasCertainWidth, padColumns } from '../../src/cli/render/columns.ts'

test('the width of every character is that of string-width', () => {
  const different: string[] = []
  for (let unit = 0x20; unit <= 0xffff; unit++) {
    const character = String.fromCharCode(unit)
    if (/\p{Cc}/u.test(character)) continue
    const width = stringWidth(character)
    if (countColumns(character) !== width) different.push(character)
    if (hasCertainWidth(character) && width !== 1 && width !== 2) different.push(character)
  }
  expect(different).toEqual([])
})

test('terminals agree on letters and East Asian script, not on marks and emoji', () => {
  expect(['a', 'é', '€', '漢', 'カ', '한', '！'].map(hasCertainWidth)).not.toContain(false)
  expect(['\u0301', '🙂', '\u200d', '\ud83d', '☺'].map(hasCertainWidth)).not.toContain(true)
})

test('text is cut to the columns there are, between characters', () => {
  expect([fitColumns('abcdef', 6), fitColumns('abcdef', 5), fitColumns('', 3)]).toEqual(['abcdef', 'abcd…', ''])
  expect([fitColumns('漢字', 4), fitColumns('漢字', 3), fitColumns('🙂🙂', 2)]).toEqual(['漢字', '漢…', '…'])
  // A family is one character of two columns, and a letter keeps its mark.
  expect([fitColumns('👨‍👩‍👧x', 3), fitColumns('👨‍👩‍👧xy', 3)]).toEqual(['👨‍👩‍👧x', '👨‍👩‍👧…'])
  expect(fitColumns('ne\u0301e', 2)).toBe('n…')
  expect(fitColumns('ne\u0301e', 3)).toBe('ne\u0301e')
})

test('cut text fits, and text that fits is not cut', () => {
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 20 }), (value, columns) => {
      const fitted = fitColumns(value, columns)
      expect(countColumns(fitted)).toBeLessThanOrEqual(columns)
      if (countColumns(value) <= columns) expect(fitted).toBe(value)
      else expect(fitted.endsWith('…')).toBe(true)
    }),
  )
})

test('cells are padded by columns', () => {
  expect(['ab', '漢', 'abcde'].map(cell => `${padColumns(cell, 4)}|`)).toEqual(['ab  |', '漢  |', 'abcde|'])
})

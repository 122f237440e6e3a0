import { expect } from 'vitest'

/** A case of a conformance suite. */
interface Case {
  readonly name: string
  readonly run: () => Promise<void>
}

/** An implementation with one fault, and the case that must find it. */
export type Planted<Plant> = readonly [fault: string, plant: Plant, found: string]

/** Runs the case that must find a fault. */
export async function expectFound(cases: readonly Case[], found: string): Promise<void> {
  const finding = cases.find(({ name }) => name === found)
  if (finding === undefined) throw new Error(`No case is named \`${found}\``)
  // Not an error of the planted code.
  await expect(finding.run()).rejects.toThrow(/expected /i)
}

/** Throws unless each of these faults has a name of its own. */
export function expectDistinct(faults: readonly Planted<unknown>[]): void {
  const names = faults.map(([fault]) => fault)
  expect(names).toEqual([...new Set(names)])
}

/** The object with other methods; its own ones keep their object. */
export function override<Part extends object>(part: Part, other: Partial<Part>): Part {
  return new Proxy(part, {
    get: (_, name) => {
      const value: unknown = name in other ? Reflect.get(other, name) : Reflect.get(part, name)
      return typeof value === 'function' && !(name in other) ? (value.bind(part) as unknown) : value
    },
  })
}

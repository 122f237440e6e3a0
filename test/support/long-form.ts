/** Whether sweeps try everything: `npm run test:long` does; `npm test` takes a sample, which shows the same in less time. */
export const IS_LONG: boolean = process.env['LONG'] !== undefined

/** Neither 2 nor 3 divides it: what a test does with a place alternates with the place. */
const STRIDE = 11

/** All of these places in the long form, every eleventh of them and the last one in the short form. */
export function sample(places: readonly number[]): readonly number[] {
  return IS_LONG ? places : places.filter((_, at) => at % STRIDE === 0 || at === places.length - 1)
}

import { type CliProcess, UsageError } from '../process/console.ts'
import { PlanInput } from './plan-input.ts'

/** A plan whose execution is resumed: its lines behind the last accepted one are read. */
export class RestOfPlan {
  readonly input: PlanInput
  /** The number of accepted lines. */
  readonly line: number
  readonly #skipped: number

  private constructor(input: PlanInput, line: number, skipped: number) {
    this.input = input
    this.line = line
    this.#skipped = skipped
  }

  /**
   * @param line the number of lines that the log has
   * @param leftOut the number of lines that the file leaves out: none, or those
   * @throws UsageError for another number, and for a file that cannot be opened
   */
  static async open(file: string, line: number, leftOut: number | undefined, process: CliProcess): Promise<RestOfPlan> {
    if (leftOut !== undefined && leftOut !== 0 && leftOut !== line)
      throw new UsageError(`Expected --plan-line ${line}, the number of accepted lines, or a whole plan without it`)
    return new RestOfPlan(await PlanInput.open(file, process), line, line - (leftOut ?? 0))
  }

  /** Leaves out the accepted lines. @returns whether it was not interrupted @throws UsageError for a plan that ends before */
  async skip(process: CliProcess): Promise<boolean> {
    const skipped = await this.input.untilInterrupted(process, () => this.input.skip(this.#skipped))
    if (skipped === undefined) return false
    if (skipped === this.#skipped) return true
    const has = `${this.#skipped} lines of this plan were accepted already, and it ends after ${skipped}`
    throw new UsageError(`Expected the whole plan: ${has}. Give --plan-line ${this.line} for one that leaves them out`)
  }
}

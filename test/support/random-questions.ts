import type { ExecutionOptions, InputQuestion, QuestionOptions, ToolContext } from '../../src/index.ts'

/** Tools that ask by chance, and people who answer by chance: at once, later, never in time, or not at all. */
export interface RandomQuestions {
  /** Asks none to three questions, one after the other or together, and takes whatever comes. */
  readonly ask: (context: ToolContext) => Promise<void>
  readonly onInput: NonNullable<ExecutionOptions['onInput']>
}

/** @param share of calls that ask */
export function createRandomQuestions(random: () => number, share = 0.3): RandomQuestions {
  const turns = async (): Promise<void> => {
    for (let turn = Math.floor(random() * 3); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
  }
  return {
    async ask({ ask }) {
      if (random() >= share) return
      // Each attempt asks the same under the same number, but not as many, and not at the same time.
      const questions = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at): QuestionOptions => {
        const more = at === 1 ? { expiresMs: Math.floor(random() * 3), default: 7 } : {}
        return { message: `Question ${at}`, ...more, ...(at === 2 && { secret: true }) }
      })
      if (random() < 0.5) for (const question of questions) await ask(question)
      else {
        const asked = questions.map(question => ask(question))
        if (random() < 0.1) await turns()
        else await Promise.all(asked)
      }
    },
    async onInput({ kind, expiresAt }: InputQuestion) {
      await turns()
      const chance = random()
      if (kind === 'approval') return chance < 0.9
      if (expiresAt !== undefined && chance < 0.3) return undefined
      return { chance }
    },
  }
}

/** ir: a fault that a verifier found. */

export interface Complaint {
  /** The thing at fault as its text writes it: `%3`, `@w`, `kernel matmul`. */
  readonly where: string
  readonly message: string
  /** The object at fault, by which the reader of a text knows its line. */
  readonly of?: object
}

export const printComplaint = ({ where, message }: Complaint): string => `${where}: ${message}`

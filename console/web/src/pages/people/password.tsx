// A password that the server has made: shown once, because nobody can show it again.
import { Button, Dialog, Snippet } from '../../parts';

export function NewPassword({ login, password, onClose }: { login: string; password: string; onClose: () => void }) {
  return (
    <Dialog title={`The password of ${login}`} onClose={onClose}>
      <div className="stack-s">
        <p>It is shown this once and is kept nowhere. They should change it when they have signed in.</p>
        <Snippet text={password} label="Copy the password" />
        <div className="buttons"><Button look="strong" onClick={onClose}>Done</Button></div>
      </div>
    </Dialog>
  );
}

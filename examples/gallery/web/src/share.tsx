// Sharing a photo: choose, look, say something, see it go up.
import { useRef, useState } from 'preact/hooks';
import { rt } from './api';
import { Form } from './form';
import { go } from './router';
import { Icon, notice, useTitle } from './ui';

export function Share() {
  useTitle('Share a photo');
  const preview = useRef<HTMLCanvasElement>(null);
  const [chosen, setChosen] = useState('');
  const [part, setPart] = useState<number | null>(null); // of the upload, 0 to 1; null: none is under way

  async function choose(file: File | undefined) {
    setChosen('');
    if (!file) return;
    try {
      await draw(preview.current!, file);
      setChosen(file.name);
    } catch {
      notice(`${file.name} is no picture that this browser can show.`);
    }
  }

  async function send(values: FormData) {
    setPart(0);
    try {
      const photo = await rt.photos.create(
        { image: values.get('image') as File, caption: String(values.get('caption')), private: values.has('private') },
        { onProgress: setPart },
      );
      go(`/photo/${photo.id}`);
      notice('Your photo is shared.');
    } finally {
      setPart(null);
    }
  }
  return (
    <div class="narrow">
      <h1>Share a photo</h1>
      <Form action={part === null ? 'Share' : 'Sharing …'} submit={send}
        fields={[
          { name: 'image', label: 'Picture', type: 'file', accept: 'image/jpeg,image/png,image/webp', required: true, hint: 'JPEG, PNG or WebP, up to 10 MB', onChange: (e) => void choose(e.currentTarget.files?.[0]) },
          { name: 'caption', label: 'Caption', maxLength: 2200, autoComplete: 'off' },
          { name: 'private', label: 'Only for people who follow me', type: 'checkbox' },
        ]}>
        <div class={chosen ? 'preview' : 'preview blank-preview'}>
          <canvas ref={preview} width={4} height={3} role="img" aria-label={chosen ? `Preview of ${chosen}` : 'No picture chosen yet'} />
          {!chosen && <p aria-hidden="true"><Icon name="picture" />Your picture will be here</p>}
          {part !== null && <progress value={part} aria-label="Upload">{Math.round(part * 100)} %</progress>}
        </div>
      </Form>
    </div>
  );
}

// draw shows a file on a canvas: unlike an address of createObjectURL, that needs nothing of a strict CSP.
async function draw(canvas: HTMLCanvasElement, file: File) {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, 1080 / image.width);
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
}

// What Jupyter's own widgets lack, done by the page; elsewhere the controls beside do all the same.
// - JupyterLab takes arrow keys from a drop-down or radio button that has the focus (jupyter-widgets/ipywidgets#3912):
//   the selection would jump to the next cell. Keys meant for those stop at the edge of the output.
// - A click on a picture goes, as "x,y" in shares of its width and height, into the text field beside it.
// - A file dropped on an explorer goes into its upload button.
const out = this.closest('.jp-OutputArea-output');
if (out && !out.dataset.rl) {
  out.dataset.rl = 1;
  out.addEventListener('keydown', e => {
    if (e.target.matches('select, input[type=radio]') && !e.ctrlKey && !e.metaKey && !e.shiftKey) e.stopPropagation();
  });
  out.addEventListener('click', e => {
    const field = e.target.matches('img') && e.target.closest('.rl-click')?.querySelector('input');
    if (!field) return;
    const box = e.target.getBoundingClientRect();
    field.value = [(e.clientX - box.x) / box.width, (e.clientY - box.y) / box.height, Date.now()];
    field.dispatchEvent(new Event('input', {bubbles: true}));
  });
  // The upload button keeps its file field to itself and clicks it: in that moment the field can be given a file.
  // A file too large for one message to the kernel, 10 MB, is first drawn smaller.
  const give = async (button, file) => {
    if (file && file.size > 8e6) {
      try {
        const whole = await createImageBitmap(file), scale = Math.min(1, 2048 / Math.max(whole.width, whole.height));
        const sheet = new OffscreenCanvas(Math.ceil(whole.width * scale), Math.ceil(whole.height * scale));
        const context = sheet.getContext('2d');
        context.imageSmoothingQuality = 'high';
        context.drawImage(whole, 0, 0, sheet.width, sheet.height);
        file = new File([await sheet.convertToBlob({type: 'image/jpeg', quality: 0.95})], file.name);
      } catch {
        file = new File([file.slice(0, 1e6)], file.name);  // no picture, or far too large: the kernel says so
      }
    }
    if (!file) return;
    const files = new DataTransfer(), click = HTMLInputElement.prototype.click;
    files.items.add(file);
    HTMLInputElement.prototype.click = function () {
      this.files = files.files;
      this.dispatchEvent(new Event('change', {bubbles: true}));
    };
    button.dataset.rlGive = 1;
    try { button.click(); } finally { HTMLInputElement.prototype.click = click; delete button.dataset.rlGive; }
  };
  out.addEventListener('click', e => {
    const button = e.target.closest('.rl-upload');
    if (!button || button.dataset.rlGive) return;
    e.preventDefault();
    e.stopPropagation();
    const field = Object.assign(document.createElement('input'), {type: 'file', accept: 'image/*'});
    field.addEventListener('change', () => give(button, field.files[0]));
    field.click();
  }, true);
  const upload = e => e.dataTransfer?.types.includes('Files') && out.querySelector('.rl-upload');
  out.addEventListener('dragover', e => { if (upload(e)) { e.preventDefault(); e.stopPropagation(); } }, true);
  out.addEventListener('drop', e => {
    const button = upload(e);
    if (!button) return;
    e.preventDefault();
    e.stopPropagation();
    give(button, e.dataTransfer.files[0]);
  }, true);
}
() => {
  // Gradio has no words for the two pictures of a slider.
  const name = () =>
    document.querySelectorAll("#picture, #relit").forEach((slider) =>
      slider.querySelectorAll("img").forEach((image, index) => {
        image.alt ||= index ? "after" : "before";
      }),
    );
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
};
